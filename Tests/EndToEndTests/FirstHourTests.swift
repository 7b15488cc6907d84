// What people try first: files of other kinds, folders of other things, options that do not go together.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: Binaries.areBuilt)) struct FirstHourTests {
    @Test func aFileOfAnotherKindIsNamed() throws {
        let setting = try CommandLineTests.Setting()
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        for text in ["[{\"id\":1}]\n", "{\n \"id\": 1\n}\n", "id,title\n1,a\n"] {
            let answer = try setting.sakuin("import", "t", try setting.file("d", text))
            #expect(answer.code == 1 && answer.warnings.contains("No line of it is a JSON object"), "\(answer)")
        }
        for text in ["[{\"id\":1}]\n{\"id\":1}\n", "{\"key\":1}\n"] {
            let answer = try setting.sakuin("import", "t", try setting.file("d", text))
            #expect(answer.code == 1 && !answer.warnings.contains("No line of it"), "\(answer)")
        }
    }

    @Test func ofManyBadLinesAFewAreTold() throws {
        let setting = try CommandLineTests.Setting()
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        let lines = (1...30).map { "bad \($0)\n" }.joined()
        let few = try setting.sakuin("import", "t", try setting.file("d", lines + "{\"id\":1,\"body\":\"国\"}\n"))
        let told = few.warnings.split(separator: "\n")
        #expect(few.code == 1 && told.count == 21 && told[19].hasPrefix("line 20: "), "\(few)")
        #expect(told.last == "30 lines were rejected: 20 are told here, --json tells the other 10 too.")
        let all = try setting.sakuin("import", "t", try setting.file("d", lines), "--json").warnings
        #expect(all.contains("line 30: ") && all.contains("\n30 lines were rejected.\n"), "\(all)")
    }

    @Test func nothingListensWhereMetricsCannotBeTold() throws {
        let setting = try CommandLineTests.Setting()
        let process = Process()
        process.executableURL = try #require(Binaries.folder).appendingPathComponent("sakuind")
        process.arguments = [
            "--data", setting.folder.appendingPathComponent("other").path, "--listen", "127.0.0.1:0", "--metrics",
            setting.daemon.address, "--log-level", "info",
        ]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 1, "\(text)")
        #expect(text.contains("Cannot listen on \(setting.daemon.address)"), "\(text)")
        #expect(try !text.contains(": listening") && output.fileHandleForReading.readToEnd() ?? Data() == Data())
    }

    @Test func aFolderOfOtherFilesIsNotChecked() throws {
        let setting = try CommandLineTests.Setting()
        let folder = setting.folder.appendingPathComponent("other")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        _ = try setting.file("other/text", "x")
        for words in [["check", folder.path], ["check", "--repair", folder.path]] {
            let answer = try setting.run(words)
            #expect(answer.code == 2 && answer.text == "", "\(answer)")
            #expect(answer.warnings.contains("holds no files of an index"), "\(answer)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["text"])
    }

    @Test func queriesOfAFileAreHighlighted() throws {
        let setting = try CommandLineTests.Setting()
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        let documents = try setting.file("d.jsonl", "{\"id\":1,\"title\":\"全文検索\"}\n")
        #expect(try setting.sakuin("import", "t", documents).code == 0)
        let queries = try setting.file("q.tsv", "検索\n無\n")
        let plain = try setting.sakuin("search", "t", "--queries", queries)
        #expect(plain.code == 0 && !plain.text.contains("hits"), "\(plain)")
        let lines = try setting.sakuin("search", "t", "--queries", queries, "--highlight").text.split(separator: "\n")
        #expect(lines.count == 2 && lines.last?.contains("\"hits\":[]") == true, "\(lines)")
        let found = "\"fields\":{\"id\":1,\"title\":\"全文検索\"},\"spans\":{\"title\":[[6,12]]}"
        #expect(lines.first?.contains(found) == true, "\(lines)")
    }

    @Test func countsTakeFieldsAndADeadline() throws {
        let setting = try CommandLineTests.Setting()
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        let documents = try setting.file("d.jsonl", "{\"id\":1,\"title\":\"検索\"}\n{\"id\":2,\"body\":\"検索\"}\n")
        #expect(try setting.sakuin("import", "t", documents).code == 0)
        #expect(try setting.sakuin("count", "t", "検索").text == "2\n")
        #expect(try setting.sakuin("count", "t", "検索", "--fields", "title", "--timeout-ms", "60000").text == "1\n")
        #expect(try setting.sakuin("count", "t", "検索", "--fields", "title,none").warnings.contains("no field 'none'"))
    }

    @Test func wordsThatWereTakenForOthersAreExplained() throws {
        let setting = try CommandLineTests.Setting()
        for (words, part) in [
            (["search", "t", "国", "学"], "Put quotes around a query with blanks"),
            (["count", "t", "国", "学"], "Put quotes around a query with blanks"),
            (["search", "t", "--", "-国", "--limit", "1"], "options before --"),
            (["search", "t", "-国"], "Put -- before"), (["get", "t", "-dash"], "Put -- before"),
        ] {
            let answer = try setting.run(words)
            #expect(answer.code == 2 && answer.warnings.contains(part), "\(words): \(answer)")
        }
        let unknown = try setting.sakuin("search", "t", "国", "--size", "3")
        #expect(unknown.code == 2 && unknown.warnings.contains("Unknown option '--size'"), "\(unknown)")
    }

    @Test func tagsAreFoundAndCounted() throws {
        let setting = try CommandLineTests.Setting()
        let schema =
            #"{"fields":[{"name":"title"},{"name":"tags","type":"keyword","multiple":true},{"name":"lang","type":"keyword"}]}"#
        let file = try setting.file("schema.json", schema)
        #expect(try setting.sakuin("index", "create", "t", "--schema", file).code == 0)
        #expect(try setting.sakuin("index", "schema", "t").text.contains("\"multiple\":true"))
        let documents = try setting.file(
            "d.jsonl",
            #"{"id":1,"title":"论坛","tags":["政治","经济"]}"# + "\n" + #"{"id":2,"title":"论坛","tags":["政治"]}"# + "\n"
                + #"{"id":3,"title":"论坛","tags":[]}"# + "\n" + #"{"id":4,"tags":["政治",null]}"# + "\n"
                + #"{"id":5,"lang":["zh","ja"]}"# + "\n")
        let answer = try setting.sakuin("import", "t", documents)
        #expect(answer.code == 1 && answer.warnings.contains("line 4: ") && answer.warnings.contains("line 5: "))
        #expect(answer.warnings.contains("\"multiple\": true"), "\(answer)")
        let found = try setting.sakuin(
            "search", "t", "论坛", "--filter", "tags:政*", "--sort", "tags:desc", "--facet", "tags", "--json")
        #expect(found.text.contains(#"{"value":"政治","count":2},{"value":"经济","count":1}"#), "\(found)")
        #expect(try setting.sakuin("count", "t", "tags:经济").text == "1\n")
        #expect(try setting.sakuin("get", "t", "1", "--json").text.contains(#""tags":["政治","经济"]"#))
        #expect(try setting.sakuin("export", "t").text.contains(#""tags":["政治","经济"]"#))
    }
}
