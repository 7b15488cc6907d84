// Values of enums that came after this version: a request with one is refused, for any other would be a guess.

import SakuinTypes
import Testing

@testable import SakuinProtocol

@Suite struct UnknownChoiceTests {
    private static func block(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        [number << 3 | 2, UInt8(content.count)] + content
    }

    private static func decoded(_ request: [UInt8]) -> Result<WireRequest, SakuinError> {
        request.withUnsafeBytes { bytes in
            Result { () throws(SakuinError) in try WireCodec.decodeRequest(bytes) }
        }
    }

    @Test func areRefusedByName() {
        // Fields of sakuin.proto: search 7, write 6, import 14; the query is the text "a".
        let query = Self.block(2, Self.block(1, [0x61]))
        let requests: [(field: String, request: [UInt8])] = [
            ("mode", Self.block(7, query + [4 << 3, 2])), ("total", Self.block(7, query + [7 << 3, 3])),
            ("returnFields", Self.block(7, query + [11 << 3, 3])), ("acknowledge", Self.block(6, [3 << 3, 3])),
            ("rejection", Self.block(6, [4 << 3, 2])), ("acknowledge", Self.block(14, [2 << 3, 3])),
            ("rejection", Self.block(14, [3 << 3, 2])),
        ]
        for (field, request) in requests {
            guard case .failure(let error) = Self.decoded(request) else {
                Issue.record("\(field) was taken")
                continue
            }
            #expect(error.code == .invalidArgument && error.field == field && error.value != nil)
        }
    }

    /// A put with neither key nor key field has an empty key, and is none of the document's own field of no name.
    @Test func aPutWithoutKeyHasNone() throws {
        let put = Self.block(1, Self.block(2, Array("{\"\":\"a\"}".utf8)))
        let request = Self.decoded(Self.block(6, Self.block(2, Self.block(3, put))))
        guard case .write(_, let batch) = try request.get().call, case .put(let document)? = batch.operations.first
        else {
            Issue.record("no put")
            return
        }
        #expect(document.key.isEmpty)
    }
}
