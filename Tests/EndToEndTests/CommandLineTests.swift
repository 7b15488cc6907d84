// The real command line: what it reads at which moment, and that what goes out comes in again.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: Binaries.areBuilt)) struct CommandLineTests {
    struct Answer {
        let code: Int32
        let text: String
        let warnings: String
    }

    /// A daemon in a folder of its own, for one test.
    final class Setting {
        let folder: URL
        let daemon: Daemon

        init(options: [String] = []) throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-e2e-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            daemon = try Daemon(
                folder: try #require(Binaries.folder), data: folder.appendingPathComponent("data").path,
                options: options)
        }

        deinit {
            daemon.kill()
            try? FileManager.default.removeItem(at: folder)
        }

        func file(_ name: String, _ text: String) throws -> String {
            let path = folder.appendingPathComponent(name).path
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return path
        }

        /// Runs `sakuin`; `path` goes before the folders where programs are looked for.
        func sakuin(_ words: String..., path: String? = nil) throws -> Answer { try run(words, path: path) }

        func run(_ words: [String], path: String? = nil) throws -> Answer {
            let process = Process()
            process.executableURL = try #require(Binaries.folder).appendingPathComponent("sakuin")
            process.arguments = (words.first == "--server" ? [] : ["--server", daemon.address]) + words
            if let path {
                var environment = ProcessInfo.processInfo.environment
                environment["PATH"] = path + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
                process.environment = environment
            }
            let errors = folder.appendingPathComponent("stderr")
            try Data().write(to: errors)
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = try FileHandle(forWritingTo: errors)
            try process.run()
            let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return Answer(
                code: process.terminationStatus, text: String(decoding: data, as: UTF8.self),
                warnings: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
        }
    }

    private func number(_ name: String, in text: String) throws -> Int {
        let parts = text.components(separatedBy: "\"\(name)\":")
        try #require(parts.count > 1, "\(text)")
        return try #require(Int(parts[1].prefix { $0.isNumber }))
    }

    @Test func anImportSaysThatNoTextCanBeFound() throws {
        let setting = try Setting()
        let documents = try setting.file("d.jsonl", "{\"id\":1,\"text\":\"全文検索\"}\n")
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        let first = try setting.sakuin("import", "t", documents)
        #expect(first.code == 0 && first.warnings.contains("no document of the index has any in title, body."))
        let again = try setting.sakuin("import", "t", documents, "--json")
        #expect(again.warnings.contains("{\"withoutText\":[\"title\",\"body\"]}"), "\(again.warnings)")
        let more = try setting.file("more.jsonl", "{\"id\":2,\"body\":\"全文検索\"}\n")
        #expect(try setting.sakuin("import", "t", more).warnings == "")
        let nothing = try setting.sakuin("count", "t", "!!!")
        #expect(nothing.text == "0\n" && nothing.warnings.hasPrefix("note: '!!!' has no letter"), "\(nothing)")
        let none = try setting.sakuin("import", "none", documents)
        #expect(none.code == 2 && none.warnings.hasPrefix("Nothing was acknowledged.\n"), "\(none.warnings)")
    }

    @Test func commandsReadAtAMoment() throws {
        let setting = try Setting(options: ["--refresh-ms", "3600000"])
        let documents = try setting.file("d.jsonl", "{\"id\":1,\"body\":\"全文検索\"}\n{\"id\":2,\"body\":\"全文検索\"}\n")
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        let sequence = try number("sequence", in: try setting.sakuin("import", "t", documents, "--json").text)
        let seen = ["--min-sequence", "\(sequence)"]
        #expect(try setting.sakuin("count", "t", "検索", seen[0], seen[1]).text == "2\n")
        #expect(try setting.sakuin("get", "t", "1", seen[0], seen[1]).code == 0)
        #expect(try number("total", in: setting.sakuin("search", "t", "検索", "--json", seen[0], seen[1]).text) == 2)
        #expect(try setting.sakuin("export", "t", seen[0], seen[1]).text.split(separator: "\n").count == 2)
        for command in [["count", "t", "検索"], ["get", "t", "1"], ["search", "t", "検索"], ["point", "open", "t"]] {
            let words = command + ["--min-sequence", "999999", "--wait-ms", "0", "--json"]
            let late = try setting.run(words)
            #expect(late.code == 2 && late.text.contains("DEADLINE_EXCEEDED"), "\(command) \(late.text)")
        }
        #expect(try setting.sakuin("count", "t", "検索", "--wait-ms", "60001").code == 2)
        let stopped = try setting.sakuin(
            "search", "t", "検索", "--min-sequence", "999999", "--wait-ms", "60000", "--timeout-ms", "200", "--json")
        #expect(stopped.code == 2 && stopped.text.contains("DEADLINE_EXCEEDED") && !stopped.text.contains("60000"))

        let opened = try setting.sakuin("point", "open", "t", "--lease-ms", "600000", seen[0], seen[1], "--json").text
        let match = try #require(opened.firstMatch(of: /"pointInTime":"([0-9a-f]{32})"/), "\(opened)")
        let token = String(match.1)
        let deleted = try setting.sakuin("delete", "t", "1", "--json").text
        #expect(deleted.contains(#""deletions":1"#) && deleted.contains(#""level":"disk""#))
        #expect(try setting.sakuin("count", "t", "検索").text == "1\n")
        #expect(try setting.sakuin("count", "t", "検索", "--point-in-time", token).text == "2\n")
        #expect(try setting.sakuin("get", "t", "1", "--point-in-time", token).code == 0)
        #expect(try setting.sakuin("get", "t", "1").code == 1)
        #expect(
            try setting.sakuin("export", "t", "--point-in-time", token).text.split(separator: "\n").count == 2)
        let queries = try setting.file("q.tsv", "検索\n")
        let answers = try setting.sakuin("search", "t", "--queries", queries, "--json", "--point-in-time", token)
        #expect(try number("total", in: answers.text) == 2)
        #expect(try setting.sakuin("point", "close", "t", token, "--json").text == "{\"closed\":\"\(token)\"}\n")
        let gone = try setting.sakuin("count", "t", "検索", "--point-in-time", token, "--json")
        #expect(gone.code == 2 && gone.text.contains("NOT_FOUND"))
        #expect(try number("sequence", in: setting.sakuin("refresh", "t", "--json").text) == sequence + 1)
        #expect(try number("sequence", in: setting.sakuin("commit", "t", "--json").text) == sequence + 1)
        let stats = try setting.sakuin("stats", "t", "--json").text
        #expect(try number("committedSequence", in: stats) == sequence + 1)
        #expect(try number("openReaders", in: stats) == 0)
    }

    /// The same of bytes and of hex, and where they are none.
    @Test func framesAreShown() throws {
        let setting = try Setting()
        let credit = "04 00 00 00 07 00 53 4b 05 00 00 00 00 00 01 00"
        let ping = "0100000009005 34b00 00\n00 00 Ab"
        let shown = [
            #"{"offset":0,"type":"CREDIT","stream":5,"length":4,"credit":65536}"#,
            #"{"offset":16,"type":"PING","stream":0,"length":1,"payload":"ab"}"#,
        ]
        let hex = try setting.file("f.hex", credit + ping)
        #expect(
            try setting.sakuin("wire", "decode", hex, "--json").text.split(separator: "\n").map(String.init) == shown)
        let bytes = (credit + ping).filter(\.isHexDigit)
        let raw = stride(from: 0, to: bytes.count, by: 2).compactMap { UInt8(bytes.dropFirst($0).prefix(2), radix: 16) }
        let path = setting.folder.appendingPathComponent("f.bin").path
        try Data(raw + [0, 0, 0, 0]).write(to: URL(fileURLWithPath: path))
        let cut = try setting.sakuin("wire", "decode", path, "--json")
        #expect(cut.code == 1 && cut.text.hasPrefix(shown.joined(separator: "\n") + "\n" + #"{"offset":29,"error":{"#))
        let text = try setting.sakuin("wire", "decode", path)
        #expect(text.code == 1 && text.text.contains("16  PING, stream 0, 1 bytes\n    payload: ab\n"))
        #expect(text.warnings.contains("At byte 29 there is no frame."))
        let wrong = try setting.sakuin("wire", "decode", try setting.file("f.txt", "HTTP/1.1 200 OK\n"), "--json")
        #expect(wrong.code == 1 && wrong.text.hasPrefix(#"{"offset":0,"error":{"code":"INVALID_ARGUMENT""#))
        #expect(try setting.sakuin("wire", "decode", try setting.file("half.hex", "0")).code == 2)
    }

    /// However long it takes to print them: whoever reads it may be slower than a lease.
    @Test func anExportNeedsNoPointInTimeWhileItPrints() throws {
        let setting = try Setting()
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        // More than the client has credit for, so that the export is under way as long as nobody reads.
        let text = String(repeating: "a", count: 1 << 20)
        let lines = (0..<24).map { "{\"id\":\($0),\"x\":\"\($0)\(text)\"}\n" }
        let documents = try setting.file("d.jsonl", lines.joined())
        #expect(try setting.sakuin("import", "t", documents).code == 0)
        let process = Process()
        process.executableURL = try #require(Binaries.folder).appendingPathComponent("sakuin")
        process.arguments = ["--server", setting.daemon.address, "export", "t"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var printed = try pipe.fileHandleForReading.read(upToCount: 1) ?? Data()
        // The export alone.
        #expect(try number("openReaders", in: setting.sakuin("stats", "t", "--json").text) == 1)
        printed += try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(printed.split(separator: 10).count == 24)
    }

    /// One that is longer than the server takes is reported by its number, and the rest goes on; the longest arrives.
    @Test func aLineThatIsTooLongDoesNotEndAnImport() throws {
        let setting = try Setting(options: ["--memory-mb", "64"])
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        // A twelfth of the memory, less the batch around the line.
        let limit = (64 << 20) / 12 - 9
        func line(_ id: Int, _ length: Int) -> String {
            let head = "{\"id\":\(id),\"x\":\""
            return head + String(repeating: "a", count: length - head.utf8.count - 2) + "\"}\n"
        }
        let documents = try setting.file(
            "d.jsonl",
            line(1, 50) + line(2, limit + 1) + "{\"id\":3}\n" + line(4, 3 << 20) + line(5, 3 << 20) + line(6, limit)
                + "{")
        let imported = try setting.sakuin("import", "t", documents, "--json")
        #expect(imported.code == 1)
        #expect(imported.warnings.contains("line 2: INVALID_ARGUMENT: The line is longer than the server takes."))
        #expect(imported.warnings.contains("limit \(limit), value \(limit + 1)"), "\(imported.warnings)")
        #expect(imported.warnings.contains("line 7: "))
        #expect(try number("documents", in: imported.text) == 5 && number("rejected", in: imported.text) == 2)
        #expect(try setting.sakuin("get", "t", "6").code == 0)
    }

    /// The same answers with and without, also from a daemon that refuses it.
    @Test func compressedIsTheSame() throws {
        for options in [[], ["--no-compression"]] {
            let setting = try Setting(options: options)
            let texts = (0..<300).map { "{\"id\":\($0),\"body\":\"全文検索の文書 \($0 % 7)。全文検索の文書 \($0)。\"}\n" }
            let documents = try setting.file("d.jsonl", texts.joined())
            #expect(try setting.sakuin("--compress", "index", "create", "t").code == 0)
            let imported = try setting.sakuin("import", "t", documents, "--compress", "--json")
            #expect(try imported.code == 0 && number("documents", in: imported.text) == 300)
            let queries = try setting.file("q.tsv", "検索\n文書\n")
            for command in [
                ["count", "t", "検索"], ["export", "t"], ["get", "t", "17"], ["search", "t", "検索 299", "--limit", "40"],
                ["search", "t", "--queries", queries, "--limit", "300", "--json"],
            ] {
                let (plain, packed) = (try setting.run(command), try setting.run(["--compress"] + command))
                let timing = /(in \d+ µs|"tookMicroseconds":\d+)/
                #expect(plain.code == 0 && packed.code == 0, "\(command) \(packed.warnings)")
                #expect(plain.text.replacing(timing, with: "") == packed.text.replacing(timing, with: ""))
            }
            let load = try setting.sakuin("load", "t", "--queries", queries, "--requests", "9", "--compress", "--json")
            #expect(load.code == 0 && load.text.contains(#""requests":9"#))
        }
    }

    private static let schema = """
        {"fields":[{"name":"body","type":"text"},{"name":"tag","type":"keyword"},{"name":"n","type":"integer"},
        {"name":"price","type":"float"},{"name":"on","type":"boolean"},{"name":"day","type":"date"}],"dynamic":true}
        """

    /// By type, under a key of another name, with fields that no schema names.
    @Test func whatGoesOutComesInAgain() throws {
        let setting = try Setting()
        let lines = [
            #"{"sku":"a","id":1,"body":"全文\n検索 \"é\"","tag":"Ａ","n":-9223372036854775808,"price":0.1,"on":true,"day":"2023-11-09"}"#,
            #"{"sku":"b","id":1,"body":"","tag":"b","n":0,"price":1e300,"on":false,"day":"2023-11-09T01:02:03Z","x":{"y":[1,null]}}"#,
            #"{"sku":"c","id":1,"extra":null,"m":18446744073709551617}"#, #"{"sku":7,"id":"1"}"#,
        ]
        let documents = try setting.file("d.jsonl", lines.joined(separator: "\n") + "\n")
        #expect(try setting.sakuin("index", "create", "t", "--schema", setting.file("s.json", Self.schema)).code == 0)
        #expect(try setting.sakuin("import", "t", documents, "--key", "sku").code == 0)
        // All have the same id: read again under it there would be one.
        let wrong = try setting.sakuin("export", "t", "--json")
        #expect(wrong.code == 2 && wrong.text.contains("--key sku") && !wrong.text.contains("全文"))
        let out = try setting.sakuin("export", "t", "--key", "sku")
        #expect(out.code == 0 && out.warnings.isEmpty && out.text.split(separator: "\n").count == 4)
        #expect(out.text.contains(#""n":-9223372036854775808,"#) && out.text.contains(#""m":18446744073709551617"#))
        let copy = try setting.file("copy.jsonl", out.text)
        let described = try setting.sakuin("index", "schema", "t").text
        let copied = try setting.file("copy.json", described)
        #expect(try setting.sakuin("index", "create", "small", "--schema", copied, "--compact").code == 0)
        #expect(try setting.sakuin("index", "schema", "small").text.contains(#""compact":true"#))
        #expect(try setting.sakuin("import", "small", documents, "--key", "sku").code == 0)
        #expect(try setting.sakuin("count", "small", "全文検索").text == setting.sakuin("count", "t", "全文検索").text)
        #expect(try setting.sakuin("index", "create", "u", "--schema", copied).code == 0)
        #expect(try setting.sakuin("index", "schema", "u").text == described)
        #expect(try setting.sakuin("import", "u", copy, "--key", "sku").code == 0)
        let again = try setting.sakuin("export", "u", "--key", "sku").text
        #expect(Set(again.split(separator: "\n")) == Set(out.text.split(separator: "\n")))
        #expect(
            try setting.sakuin("count", "u", "tag:a n:[* TO 0]").text
                == setting.sakuin("count", "t", "tag:a n:[* TO 0]").text)
    }

    @Test func variantsAreFoundWhenAskedFor() throws {
        let setting = try Setting()
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        let documents = try setting.file(
            "d.jsonl",
            ["经济发展", "經濟發展", "理髮", "カメラ"].enumerated().map { #"{"id":\#($0),"body":"\#($1)"}"# }
                .joined(separator: "\n"))
        #expect(try setting.sakuin("import", "t", documents).code == 0)
        #expect(try setting.sakuin("count", "t", "発展").text == "0\n")
        #expect(try setting.sakuin("count", "t", "発展", "--variants", "han").text == "2\n")
        #expect(try setting.sakuin("count", "t", "かめら", "--variants", "han").text == "0\n")
        #expect(try setting.sakuin("count", "t", "かめら", "--variants", "han,kana").text == "1\n")
        let shown = try setting.sakuin("search", "t", "理发", "--variants", "all", "--color", "never").text
        #expect(shown.contains("[理髮]"), "\(shown)")
        let queries = try setting.file("q.tsv", "發展\n")
        let line = try setting.sakuin("search", "t", "--queries", queries, "--variants", "han", "--json").text
        #expect(line.hasPrefix(#"{"query":"發展","total":2,"#), "\(line)")
        let wrong = try setting.sakuin("search", "t", "发展", "--variants", "zh")
        #expect(wrong.code != 0 && wrong.warnings.contains("--variants is han, kana"))
    }

    @Test func facetsAreCounted() throws {
        let setting = try Setting()
        #expect(try setting.sakuin("index", "create", "t", "--schema", setting.file("s.json", Self.schema)).code == 0)
        let lines = (0..<9).map {
            #"{"id":\#($0),"body":"全文検索","tag":"\#($0 % 2 == 0 ? "索引" : "引擎")","n":\#($0)}"#
        }
        let documents = try setting.file("d.jsonl", (lines + [#"{"id":9,"body":"検索"}"#]).joined(separator: "\n"))
        #expect(try setting.sakuin("import", "t", documents).code == 0)
        let shown = try setting.sakuin(
            "search", "t", "検索", "--limit", "0", "--facet", "tag", "--facet", "n:2", "--facet", "n:..3,3..")
        #expect(shown.code == 0)
        #expect(
            shown.text.split(separator: "\n").dropFirst() == [
                "facet tag: 2 values", "        5  索引", "        4  引擎", "        1  (no value)",
                "facet n: 2 of 9 values", "        1  0", "        1  1", "        7  (other values)",
                "        1  (no value)", "facet n: 2 ranges", "        3  ..3", "        6  3..",
                "        1  (no value)",
            ])
        let tags = #""facets":[{"field":"tag","values":[{"value":"索引","count":5}],"distinct":2,"other":4,"missing":1}]"#
        let json = try setting.sakuin("search", "t", "検索", "--limit", "0", "--facet", "tag:1", "--json")
        #expect(json.text.contains(tags))
        let queries = try setting.file("q.tsv", "検索\n")
        #expect(
            try setting.sakuin("search", "t", "--queries", queries, "--facet", "tag:1", "--json").text.contains(tags))
        #expect(try !setting.sakuin("search", "t", "--queries", queries, "--json").text.contains("facets"))
        #expect(try !setting.sakuin("search", "t", "検索", "--json").text.contains("facets"))
        for (facet, said) in [("body", "no column to count"), ("nofield", "no field"), ("tag:x", "FIELD[:LIMIT]")] {
            let refused = try setting.sakuin("search", "t", "検索", "--facet", facet)
            #expect(refused.code == 2 && refused.warnings.contains(said), "\(refused)")
        }
    }

    @Test func anExportSaysWhatItLeavesOut() throws {
        let setting = try Setting()
        let schema = #"{"fields":[{"name":"title","type":"text"},{"name":"body","type":"text","stored":false}]}"#
        #expect(try setting.sakuin("index", "create", "t", "--schema", setting.file("s.json", schema)).code == 0)
        let documents = try setting.file("d.jsonl", "{\"id\":1,\"title\":\"題\",\"body\":\"本文\"}\n")
        #expect(try setting.sakuin("import", "t", documents).code == 0)
        let out = try setting.sakuin("export", "t")
        #expect(out.code == 1 && out.text == "{\"id\":1,\"title\":\"題\"}\n")
        #expect(out.warnings == "not stored, so not exported: body\n")
        #expect(try setting.sakuin("export", "t", "--incomplete").code == 0)
        #expect(try setting.sakuin("export", "t", "--json").warnings == "{\"unstored\":[\"body\"]}\n")
        #expect(try setting.sakuin("stats", "t", "--json").text.contains("\"openReaders\":0"))
    }

    /// Whatever program `zstd` is.
    @Test func zstdFilesAreUnpacked() throws {
        let setting = try Setting()
        let tool = try setting.file("zstd", "#!/bin/sh\nshift\nexec cat \"$@\"\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tool)
        let documents = try setting.file("d.jsonl.zst", "{\"id\":1,\"body\":\"本文\"}\n")
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        #expect(try setting.sakuin("import", "t", documents, path: setting.folder.path).code == 0)
        #expect(try setting.sakuin("count", "t", "本文").text == "1\n")
    }

    /// What the daemon was told, and both ways to stop it.
    @Test func theDaemonDoesAsItIsTold() throws {
        let setting = try Setting()
        let configuration = try setting.file("c.json", #"{"memory-mb":128,"refresh-ms":3600000}"#)
        let other = try Daemon(
            folder: try #require(Binaries.folder), data: setting.folder.appendingPathComponent("other").path,
            options: ["--config", configuration, "--memory-mb", "64"])
        let index = try setting.run(["--server", other.address, "index", "create", "t"])
        #expect(index.code == 0)
        let stats = try setting.run(["--server", other.address, "stats", "t", "--json"])
        #expect(try number("memoryBudgetBytes", in: stats.text) == 64 << 20)
        other.process.interrupt()
        other.process.waitUntilExit()
        #expect(other.process.terminationReason == .exit && other.process.terminationStatus == 0)
        #expect(setting.daemon.stop() == 0)
        for wrong in [["--memory-mb", "63"], ["--config", "/nowhere"], ["--journal-mb", "0"]] {
            let process = Process()
            process.executableURL = try #require(Binaries.folder).appendingPathComponent("sakuind")
            process.arguments = ["--data", setting.folder.appendingPathComponent("wrong").path] + wrong
            let pipe = Pipe()
            process.standardError = pipe
            process.standardOutput = FileHandle(forWritingAtPath: "/dev/null")
            try process.run()
            let said = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 1 && said.hasPrefix("sakuind: INVALID_ARGUMENT: "), "\(said)")
        }
    }
}
