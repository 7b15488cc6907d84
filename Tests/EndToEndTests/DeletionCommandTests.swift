// `sakuin delete --query` with a real daemon.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: Binaries.areBuilt)) struct DeletionCommandTests {
    private func imported() throws -> CommandLineTests.Setting {
        let setting = try CommandLineTests.Setting()
        let lines = (0..<12).map {
            "{\"id\":\"k\($0)\",\"title\":\"\($0 % 3 == 0 ? "国际新闻" : "經濟數字")\",\"n\":\($0)}"
        }
        let documents = try setting.file("d.jsonl", lines.joined(separator: "\n"))
        #expect(try setting.sakuin("index", "create", "t").code == 0)
        #expect(try setting.sakuin("import", "t", documents).code == 0)
        return setting
    }

    @Test func whatMatchesIsDeleted() throws {
        let setting = try imported()
        let dry = try setting.sakuin("delete", "t", "--query", "新闻", "--dry-run")
        #expect(dry.code == 0 && dry.text == "4 documents match; nothing was deleted.\n" && dry.warnings.isEmpty)
        let filtered = try setting.sakuin("delete", "t", "--query", "新闻", "--filter", "n:[6 TO *]", "--json")
        #expect(filtered.code == 0)
        #expect(
            filtered.text == #"{"query":"新闻","dryRun":false,"matched":2,"deleted":2,"skipped":0,"sequence":2,"#
                + #""level":"disk","notes":[]}"# + "\n", "\(filtered)")
        // It is seen at once.
        #expect(try setting.sakuin("count", "t", "新闻").text == "2\n")
        let folded = try setting.sakuin("delete", "t", "--query", "経済", "--variants", "all", "--fields", "title")
        #expect(
            folded.text
                == "8 of 8 documents that matched were deleted, acknowledged on disk up to sequence 3.\n", "\(folded)")
        #expect(folded.warnings.contains("spellings"))
        let none = try setting.sakuin("delete", "t", "--query", "経済", "--mode", "smart", "--timeout-ms", "60000")
        #expect(none.code == 0 && none.text == "0 documents matched.\n")
        let all = try setting.sakuin("delete", "t", "--query", "*:*")
        #expect(all.code == 0 && all.text.hasPrefix("2 of 2 documents that matched were deleted"))
        #expect(try setting.sakuin("count", "t", "*:*").text == "0\n")
    }

    @Test func whatItDoesNotTake() throws {
        let setting = try imported()
        let file = try setting.file("keys", "k1\n")
        for (words, field) in [
            (["k1", "--query", "新闻"], "keys"), ([], "keys"), (["--keys", file, "--query", "新闻"], "keys"),
            (["k1", "--dry-run"], "dry-run"), (["k1", "--filter", "n:1"], "filter"),
            (["k1", "--mode", "smart"], "mode"),
            (["--keys", file, "--fields", "title"], "fields"), (["k1", "--variants", "all"], "variants"),
            (["k1", "--timeout-ms", "9"], "timeout-ms"), (["--query", "新闻", "--mode", "best"], "mode"),
            (["k1", "--ack", "now"], "ack"), (["--query", "新闻", "--ack", ""], "ack"),
            (["--query", ""], "query"), (["--query", "*:* OR 新闻"], "query"), (["--query", "新闻 -\"!\""], "query"),
        ] {
            let refused = try setting.run(["delete", "t"] + words + ["--json"])
            #expect(refused.code == 2 && refused.text.contains("INVALID_ARGUMENT"), "\(words) \(refused)")
            #expect(refused.text.contains("\"field\":\"\(field)\""), "\(words) \(refused)")
        }
        let nowhere = try setting.sakuin("delete", "u", "--query", "新闻", "--json")
        #expect(nowhere.code == 2 && nowhere.text.contains("NOT_FOUND"))
        #expect(try setting.sakuin("count", "t", "*:*").text == "12\n")
        // By key it is as it was.
        let keyed = try setting.sakuin("delete", "t", "k1")
        #expect(keyed.text == "1 deletions acknowledged on disk up to sequence 2.\n")
        let logged = try setting.sakuin("delete", "t", "--query", "国际", "--ack", "log")
        #expect(
            logged.text == "4 of 4 documents that matched were deleted, acknowledged on log up to sequence 3.\n",
            "\(logged)")
        let listed = try setting.sakuin("delete", "t", "--keys", file, "--ack", "memory", "--json")
        #expect(listed.text == #"{"deletions":1,"sequence":4,"level":"memory"}"# + "\n")
    }
}
