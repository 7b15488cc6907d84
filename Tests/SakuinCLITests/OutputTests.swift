// What users of the command line are told.

import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct OutputTests {
    @Test func errorsSayWhenToTryAgain() {
        var error = SakuinError(
            .resourceExhausted, "The queue is full.", field: "queue", nextStep: "Wait.", retryAfterMilliseconds: 50)
        #expect(
            Output.value(error).text
                == #"{"code":"RESOURCE_EXHAUSTED","message":"The queue is full.","field":"queue","nextStep":"Wait.","retryAfterMilliseconds":50}"#
        )
        #expect("\(error)" == "RESOURCE_EXHAUSTED: The queue is full. (field queue, retry after 50 ms) Wait.")
        error.retryAfterMilliseconds = nil
        #expect("\(error)" == "RESOURCE_EXHAUSTED: The queue is full. (field queue) Wait.")
        #expect(!Output.value(error).text.contains("retry"))
    }

    @Test func anExportKnowsItsKeys() throws {
        func check(_ key: String, _ fields: KeyValuePairs<String, FieldValue>, _ name: String = "id") -> SakuinError? {
            do {
                try ExportCommand.check(Document(key: key, fields), name)
                return nil
            } catch {
                return error
            }
        }
        #expect(check("7", ["id": 7]) == nil)
        #expect(check("a", ["id": "a", "sku": "b"]) == nil)
        #expect(check("a", ["sku": "a"]) == nil)
        #expect(check("a", ["id": 1, "sku": "a"])?.nextStep == "Export and import with --key sku.")
        #expect(check("07", ["id": 7])?.nextStep == "Export and import with --key _key.")
        #expect(check("a", ["id": .null]) != nil)
        #expect(check("a", ["id": "a", "sku": "b"], "sku")?.nextStep == "Export and import with --key id.")
    }
}
