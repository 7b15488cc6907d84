// The real daemon and the real command line with tokens, as an admin sets them up.

import Foundation
import SakuinTestSupport
import Testing

@Suite(.serialized, .enabled(if: Binaries.areBuilt)) struct AccessEndToEndTests {
    private typealias Setting = CommandLineTests.Setting

    /// A program that ends by itself, and all that it said.
    private static func run(_ name: String, _ words: [String]) throws -> (code: Int32, text: String) {
        let process = Process()
        process.executableURL = try #require(Binaries.folder).appendingPathComponent(name)
        process.arguments = words
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// A folder with a token of each role and the file that knows them.
    private final class Tokens {
        let folder: URL
        let file: String

        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-e2e-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            var lines = "# who may connect\n"
            file = folder.appendingPathComponent("tokens").path
            for role in ["reader", "writer", "admin"] {
                let made = try AccessEndToEndTests.run(
                    "sakuin", ["token", "new", "--role", role, "--name", "a-\(role)"])
                let parts = try #require(
                    made.text.wholeMatch(of: /token: (\S+)\nline:  (\S+ \S+ \S+)\n/), "\(made.text)")
                try write(role, String(parts.1))
                lines += parts.2 + "\n"
            }
            try write("tokens", lines)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func path(_ role: String) -> String { folder.appendingPathComponent(role).path }

        func write(_ name: String, _ text: String) throws {
            let isMade = FileManager.default.createFile(
                atPath: path(name), contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
            try #require(isMade)
        }
    }

    @Test func aSocketFileIsAsGoodAsAPort() throws {
        let path = "/tmp/sakuin-\(UUID().uuidString.prefix(8)).sock"
        let setting = try Setting(options: ["--listen", "unix:\(path)"])
        #expect(try setting.run(["--server", "unix:\(path)", "index", "create", "t"]).code == 0)
        #expect(try setting.sakuin("index", "list").text.contains("t"))
        let refused = try setting.run(["--server", "unix:\(path)", "--tls", "index", "list"])
        #expect(refused.code == 2 && refused.warnings.contains("Unix socket"), "\(refused.warnings)")
        #expect(setting.daemon.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func tokensAndRoles() throws {
        let tokens = try Tokens()
        let setting = try Setting(options: ["--tokens", tokens.file])
        let sample = Binaries.root.appendingPathComponent("Examples/sample.jsonl").path
        let (reader, writer, admin) = (tokens.path("reader"), tokens.path("writer"), tokens.path("admin"))

        let nobody = try setting.sakuin("index", "list", "--json")
        #expect(nobody.code == 2 && nobody.text.contains("UNAUTHENTICATED") && nobody.text.contains("--token-file"))
        try tokens.write("stranger", "sakuin_strange")
        let stranger = try setting.sakuin("index", "list", "--json", "--token-file", tokens.path("stranger"))
        #expect(stranger.text == nobody.text)

        let denied = try setting.sakuin("index", "create", "t", "--token-file", writer, "--json")
        #expect(denied.code == 2 && denied.text.contains("PERMISSION_DENIED") && denied.text.contains("create_index"))
        #expect(try setting.sakuin("index", "create", "t", "--token-file", admin).code == 0)
        let refused = try setting.sakuin("import", "t", sample, "--token-file", reader)
        #expect(refused.code == 2 && refused.warnings.contains("PERMISSION_DENIED"))
        #expect(try setting.sakuin("import", "t", sample, "--token-file", writer).code == 0)
        // Before the command too, as --server.
        #expect(
            try setting.run(["--server", setting.daemon.address, "--token-file", reader, "count", "t", "図書館"]).code == 0
        )
        for words in [
            ["count", "t", "图书馆"], ["search", "t", "5G网络"], ["get", "t", "zh-001"], ["stats", "t"], ["export", "t"],
            ["segments", "t"], ["index", "list"], ["jobs"], ["snapshot", "list"], ["point", "open", "t"],
        ] {
            #expect(try setting.run(words + ["--token-file", reader]).code == 0, "\(words)")
        }
        for words in [["delete", "t", "zh-001"], ["refresh", "t"], ["commit", "t"]] {
            #expect(try setting.run(words + ["--token-file", reader]).code == 2, "\(words)")
            #expect(try setting.run(words + ["--token-file", writer]).code == 0, "\(words)")
        }
        let queries = try setting.file("q.tsv", "图书馆\n")
        let load = try setting.sakuin(
            "load", "t", "--queries", queries, "--requests", "20", "--connections", "2", "--token-file", reader,
            "--json")
        #expect(load.code == 0 && load.text.contains("\"errors\":{}"), "\(load.text)")
        #expect(setting.daemon.stop() == 0)
    }

    @Test func filesThatAreNotRightAreRefused() throws {
        let tokens = try Tokens()
        let data = tokens.path("data")
        try tokens.write("wrong", "reader sakuin_secret\n")
        let wrong = try Self.run("sakuind", ["--data", data, "--tokens", tokens.path("wrong")])
        #expect(wrong.code == 1 && wrong.text.contains("Line 1 ") && !wrong.text.contains("sakuin_secret"))
        #expect(wrong.text.contains(tokens.path("wrong")))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: tokens.file)
        let open = try Self.run("sakuind", ["--data", data, "--tokens", tokens.file])
        #expect(open.code == 1 && open.text.contains("chmod 600 \(tokens.file)"))
        #expect(try Self.run("sakuind", ["--data", data, "--tokens", "/nowhere"]).text.contains("field tokens"))
        // The command line minds its own file.
        let reader = tokens.path("reader")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: reader)
        let shown = try Self.run("sakuin", ["index", "list", "--token-file", reader])
        #expect(shown.code == 2 && shown.text.contains("chmod 600"))
        #expect(try Self.run("sakuin", ["token", "new", "--role", "root"]).code == 2)
        #expect(try Self.run("sakuin", ["token", "new", "--role", "reader", "--name", "a b"]).code == 2)
        let made = try Self.run("sakuin", ["token", "new", "--role", "writer", "--json"]).text
        #expect(made.wholeMatch(of: /\{"token":"sakuin_[\w-]{32}","line":"writer [0-9a-f]{64}"\}\n/) != nil, "\(made)")
    }

    @Test func everyCommandThroughTLS() throws {
        let tokens = try Tokens()
        let files = try TestCertificates.write()
        defer { files.remove() }
        let (certificate, key) = (files.path("server"), files.path("serverKey"))
        let setting = try Setting(
            options: ["--tokens", tokens.file, "--tls-certificate", certificate, "--tls-key", key])
        let sample = Binaries.root.appendingPathComponent("Examples/sample.jsonl").path
        let known = ["--tls-ca", files.path("ca"), "--token-file", tokens.path("admin")]
        func sakuin(_ words: String...) throws -> CommandLineTests.Answer { try setting.run(words + known) }

        #expect(try sakuin("index", "create", "t").code == 0)
        #expect(try sakuin("import", "t", sample).code == 0)
        #expect(try sakuin("count", "t", "图书馆").text == "1\n")
        #expect(try sakuin("export", "t").text.split(separator: "\n").count == 40)
        #expect(try sakuin("check", "t").code == 0)
        #expect(try sakuin("load", "--empty", "--requests", "20", "--connections", "2", "--json").code == 0)
        // Before the command, and under a name.
        let port = try #require(setting.daemon.address.split(separator: ":").last)
        #expect(try setting.run(["--server", "localhost:\(port)"] + known + ["index", "list"]).code == 0)

        let plain = try setting.sakuin("index", "list", "--json", "--token-file", tokens.path("admin"))
        #expect(plain.code == 2 && plain.text.contains("FAILED_PRECONDITION") && plain.text.contains("--tls"))
        let untrusted = try setting.sakuin("index", "list", "--json", "--tls")
        #expect(untrusted.code == 2 && untrusted.text.contains("not trusted") && untrusted.text.contains("--tls-ca"))
        let other = try Setting()
        let reverse = try other.run(["index", "list", "--json"] + known)
        #expect(reverse.code == 2 && reverse.text.contains("The server does not speak TLS."))
    }

    @Test func tokensAreReadAgain() throws {
        let tokens = try Tokens()
        let setting = try Setting(options: ["--tokens", tokens.file])
        let create = ["index", "create", "t", "--json", "--token-file", tokens.path("admin")]
        #expect(try setting.run(create).code == 0)
        let lines = try String(contentsOfFile: tokens.file, encoding: .utf8)
        try tokens.write("tokens", lines.replacingOccurrences(of: "admin ", with: "reader "))
        kill(setting.daemon.process.processIdentifier, SIGHUP)
        // Once it has come through, the role is another.
        let isDenied = try (0..<500).contains { _ in try setting.run(create).text.contains("PERMISSION_DENIED") }
        #expect(isDenied)
        #expect(try setting.run(["index", "list", "--token-file", tokens.path("admin")]).code == 0)
        #expect(setting.daemon.stop() == 0)
    }

    /// `systemctl reload`, or the end of a terminal, is no reason to stop.
    @Test func withNothingToReadAgainAHangupDoesNothing() throws {
        let setting = try CommandLineTests.Setting()
        for _ in 0..<3 {
            kill(setting.daemon.process.processIdentifier, SIGHUP)
            #expect(try setting.run(["index", "list"]).code == 0)
        }
        #expect(setting.daemon.stop() == 0)
    }
}
