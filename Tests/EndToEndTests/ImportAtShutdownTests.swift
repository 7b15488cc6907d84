// An import whose daemon stops before it could be asked to show what it has acknowledged.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: Binaries.areBuilt)) struct ImportAtShutdownTests {
    private struct Ending {
        let code: Int32
        let text: String
        let warnings: String
    }

    /// Imports two documents from a pipe that ends when the daemon takes no connections any more.
    private func importWhileStopping(_ setting: CommandLineTests.Setting, _ words: [String]) throws -> Ending {
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        let process = Process()
        process.executableURL = try #require(Binaries.folder).appendingPathComponent("sakuin")
        process.arguments = ["--server", setting.daemon.address, "import", "t", "-", "--batch", "1"] + words
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Blanks to the end of the block that is read at once.
        let lines = "{\"id\":1,\"body\":\"全文検索\"}\n{\"id\":2,\"body\":\"全文検索\"}\n"
        try input.fileHandleForWriting.write(contentsOf: Data(lines.utf8) + Data(repeating: 0x20, count: 1 << 20))
        while try !setting.sakuin("stats", "t", "--json").text.contains(#""sequence":2,"#) {}
        setting.daemon.beginStopping()
        while try setting.sakuin("stats", "t").code == 0 {}
        try input.fileHandleForWriting.close()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let warnings = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Ending(
            code: process.terminationStatus, text: String(decoding: text, as: UTF8.self),
            warnings: String(decoding: warnings, as: UTF8.self))
    }

    /// All of it is durable, so the import has done what it was asked.
    @Test(arguments: ["disk", "log"]) func whatIsInTheLogIsImported(level: String) throws {
        let setting = try CommandLineTests.Setting()
        let ending = try importWhileStopping(setting, ["--ack", level])
        #expect(ending.code == 0 && ending.text.hasPrefix("2 documents, "), "\(ending)")
        #expect(
            ending.warnings.hasPrefix("All are acknowledged on \(level). Searches see them at the next refresh, "),
            "\(ending)")
        #expect(setting.daemon.stop() == 0)
        let again = try Daemon(
            folder: try #require(Binaries.folder), data: setting.folder.appendingPathComponent("data").path)
        #expect(try setting.run(["--server", again.address, "count", "t", "検索"]).text == "2\n")
        #expect(again.stop() == 0)
    }

    @Test func programsAreToldToo() throws {
        let ending = try importWhileStopping(try CommandLineTests.Setting(), ["--json"])
        #expect(ending.code == 0 && ending.warnings.isEmpty, "\(ending)")
        #expect(ending.text.contains(#""documents":2,"rejected":0,"#) && ending.text.contains(#""refreshed":false"#))
    }

    /// What is in memory alone a daemon that is killed would lose.
    @Test func whatIsInMemoryMayBeLost() throws {
        let ending = try importWhileStopping(try CommandLineTests.Setting(), ["--ack", "memory"])
        #expect(ending.code == 2 && ending.text.isEmpty, "\(ending)")
        #expect(
            ending.warnings.hasPrefix("2 documents were acknowledged on memory up to sequence 2, all of the input;"))
        #expect(ending.warnings.contains("UNAVAILABLE"))
    }
}
