// Options that may stand before the command and behind it.

import ArgumentParser
import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct GlobalArgumentsTests {
    private func value(_ option: String, _ words: String...) -> String? { GlobalArguments.value(of: option, in: words) }

    @Test func theLastValueWins() {
        #expect(value("--server", "sakuin", "index", "list") == nil)
        #expect(value("--server", "sakuin", "--server", "a:1", "index", "list") == "a:1")
        #expect(value("--server", "sakuin", "--server", "a:1", "index", "list", "--server=b:2") == "b:2")
        #expect(value("--token-file", "sakuin", "index", "list", "--token-file") == nil)
        // Not of an option whose name begins alike.
        #expect(value("--tls", "sakuin", "--tls-ca", "f") == nil)
        #expect(value("--tls-ca", "sakuin", "--tls-ca=f") == "f")
    }

    @Test func whatStandsBehindTwoDashesIsNoOption() {
        #expect(value("--server", "sakuin", "search", "t", "--", "--server", "a:1") == nil)
        #expect(value("--server", "sakuin", "--server", "b:2", "search", "t", "--", "--server=a:1") == "b:2")
        #expect(GlobalArguments.has("--tls", in: ["sakuin", "--tls", "jobs"]))
        #expect(!GlobalArguments.has("--tls", in: ["sakuin", "search", "t", "--", "--tls"]))
        #expect(!GlobalArguments.has("--tls", in: ["sakuin", "jobs", "--tls-ca", "f"]))
    }

    @Test func theEnvironmentMaySayToCompress() throws {
        for (value, compresses) in [(nil, false), ("", false), ("0", false), ("1", true)] as [(String?, Bool)] {
            #expect(try ServerOptions.parse([]).compresses(environment: value) == compresses)
            #expect(try ServerOptions.parse(["--compress"]).compresses(environment: value))
        }
        let error = #expect(throws: SakuinError.self) { try ServerOptions.parse([]).compresses(environment: "yes") }
        #expect(error?.field == "SAKUIN_COMPRESS" && error?.value == "yes")
    }
}
