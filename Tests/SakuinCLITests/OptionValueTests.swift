// Values that ArgumentParser takes for options.

import ArgumentParser
import SakuinProgram
import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct OptionValueTests {
    private func explained(_ words: String...) throws -> SakuinError? {
        let error = try #require(throws: (any Error).self) { _ = try SakuinCommand.parseAsRoot(words) }
        return OptionValue.explain(SakuinCommand.message(for: error), ["sakuin"] + words)
    }

    @Test func negativeNumbersAreRefusedByName() throws {
        let error = try explained("search", "t", "国", "--limit", "-1")
        #expect(error?.code == .invalidArgument && error?.field == "limit" && error?.value == "-1")
        #expect(error?.message == "--limit must not be negative." && error?.nextStep != nil)
        #expect(try explained("compact", "t", "--max-mb-per-s", "-0.5")?.field == "max-mb-per-s")
        // Written together it is a value, which the command refuses.
        let parsed = try SakuinCommand.parseAsRoot(["search", "t", "国", "--limit=-1"])
        let refusal = #expect(throws: SakuinError.self) { try (parsed as? SearchCommand)?.check() }
        #expect(refusal == error)
    }

    @Test func otherValuesAreWrittenTogether() throws {
        let error = try explained("search", "t", "国", "--filter", "-学")
        #expect(error?.field == "filter" && error?.nextStep == "Write --filter=-学.")
    }

    @Test func whatIsMissingIsMissing() throws {
        #expect(try explained("search", "t", "国", "--limit") == nil)
        #expect(try explained("search", "t", "国", "--limit", "--json") == nil)
        #expect(try explained("search", "t", "国", "--limit", "many") == nil)
    }
}
