// The real daemon and the real command line: import, search, kill -9, start again, stop.
import Foundation
import Testing

enum Binaries {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The folder with both programs: SAKUIN_BIN, or beside the test bundle; nil when they were not built.
    static let folder: URL? = {
        if let named = ProcessInfo.processInfo.environment["SAKUIN_BIN"] { return URL(fileURLWithPath: named) }
        let runner = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        let candidates = [runner, Bundle.main.bundleURL, root.appendingPathComponent(".build/debug")]
        return candidates.first { folder in
            ["sakuin", "sakuind"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent($0).path)
            }
        }
    }()

    static var areBuilt: Bool {
        if folder == nil { print("SKIPPED EndToEndTests: sakuin and sakuind are not built") }
        return folder != nil
    }
}

/// A daemon on a free port.
final class Daemon {
    let process = Process()
    let address: String

    init(folder: URL, data: String, listen: String = "127.0.0.1:0", options: [String] = []) throws {
        process.executableURL = folder.appendingPathComponent("sakuind")
        process.arguments = ["--data", data, "--listen", listen] + options
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        var line: [UInt8] = []
        while line.last != 0x0A {
            let byte = try #require(try pipe.fileHandleForReading.read(upToCount: 1)?.first, "sakuind ended")
            line.append(byte)
        }
        let text = String(decoding: line.dropLast(), as: UTF8.self)
        try #require(text.hasPrefix("listening on "))
        address = String(text.dropFirst("listening on ".count))
    }

    /// As a signal to stop does; it goes on until what is under way has ended.
    func beginStopping() { process.terminate() }

    func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }
}

@Suite(.serialized, .enabled(if: Binaries.areBuilt)) struct EndToEndTests {
    private struct Answer {
        let code: Int32
        let text: String
    }

    private func sakuin(_ daemon: Daemon, _ words: String...) throws -> Answer {
        let process = Process()
        process.executableURL = try #require(Binaries.folder).appendingPathComponent("sakuin")
        process.arguments = ["--server", daemon.address] + words
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle(forWritingAtPath: "/dev/null")
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Answer(code: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
    }

    private func totals(_ daemon: Daemon, _ file: String) throws -> [String] {
        let answer = try sakuin(daemon, "search", "t", "--queries", file, "--json")
        #expect(answer.code == 0)
        return try answer.text.split(separator: "\n").map { line in
            let match = try #require(line.firstMatch(of: /"total":(\d+),"relation":"exact","ids":(\[[^\]]*\])/))
            return "\(match.1) \(match.2)"
        }
    }

    @Test func importSearchCrashAndStop() throws {
        let binaries = try #require(Binaries.folder)
        let work = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: work) }
        let data = work.appendingPathComponent("data").path
        let sample = Binaries.root.appendingPathComponent("Examples/sample.jsonl").path
        let queries = work.appendingPathComponent("queries.tsv").path
        try "国际数字经济\n5G网络\nA股\n2023年11月\n国際会議\n학술대회\n不存在的词\n".write(
            toFile: queries, atomically: true, encoding: .utf8)

        let first = try Daemon(folder: binaries, data: data)
        #expect(try sakuin(first, "index", "create", "t").code == 0)
        #expect(try sakuin(first, "import", "t", sample, "--json").code == 0)
        let before = try totals(first, queries)
        #expect(before.count == 7)
        #expect(before[0] == #"1 ["zh-001"]"#)
        #expect(before[6] == "0 []")
        #expect(try sakuin(first, "count", "t", "图书馆").text == "1\n")
        #expect(try sakuin(first, "get", "t", "nobody").code == 1)
        let checked = try sakuin(first, "check", "t")
        #expect(checked.code == 0 && checked.text.hasPrefix("t: ") && checked.text.hasSuffix(": good.\n"))
        #expect(try sakuin(first, "check", "t", "--json").text.contains(#""problems":[],"untoldProblems":0,"#))
        #expect(try sakuin(first, "check", "nowhere").code == 2)
        #expect(try sakuin(first, "check", "t", "--repair").code == 2)
        #expect(try sakuin(first, "check", data).code == 2, "the daemon has the folder")
        #expect(try sakuin(first, "count", "nowhere", "x").code == 2)
        first.kill()

        let second = try Daemon(folder: binaries, data: data)
        #expect(try totals(second, queries) == before)
        #expect(try sakuin(second, "snapshot", "create", "t", "before", "--json").code == 0)
        #expect(try sakuin(second, "delete", "t", "zh-001").code == 0)
        #expect(try sakuin(second, "count", "t", "国际数字经济").text == "0\n")
        #expect(try sakuin(second, "snapshot", "restore", "t", "before").code == 2)
        #expect(try sakuin(second, "snapshot", "restore", "t", "before", "--as", "t-before").code == 0)
        #expect(try sakuin(second, "count", "t-before", "国际数字经济").text == "1\n")
        #expect(try sakuin(second, "index", "drop", "t-before").code == 0)
        #expect(try sakuin(second, "snapshot", "create", "t", "after").code == 0)
        #expect(try sakuin(second, "snapshot", "delete", "t", "after").code == 0)
        let list = try sakuin(second, "snapshot", "list", "t", "--json").text
        #expect(list.contains(#""snapshot":"before""#) && list.contains(#""documents":40"#))
        #expect(!list.contains(#""after""#))
        let plan = try sakuin(second, "compact", "t", "--dry-run", "--json")
        #expect(plan.code == 0 && plan.text.contains(#""dryRun":true"#))
        let stalled = try sakuin(second, "compact", "t", "--max-mb-per-s", "0.001", "--detach", "--json")
        #expect(stalled.code == 0 && stalled.text.contains(#""job":"t:1""#))
        #expect(try sakuin(second, "jobs", "pause", "t:1").text.contains("paused"))
        #expect(try sakuin(second, "jobs", "--json").text.contains(#""job":"t:merges""#))
        #expect(try sakuin(second, "jobs", "cancel", "t:1").code == 0)
        #expect(try sakuin(second, "jobs", "cancel", "t:9").code == 2)
        #expect(try sakuin(second, "compact", "t", "--max-mb-per-s", "0").code == 2)
        let compacted = try sakuin(second, "compact", "t", "--segments", "1", "--wait", "--json")
        #expect(compacted.code == 0 && compacted.text.contains(#""event":"done""#))
        #expect(try sakuin(second, "export", "t").text.split(separator: "\n").count == 39)
        #expect(second.stop() == 0)
        #expect(try sakuin(second, "check", data + "/snapshots/t/before").code == 0)
    }

    /// Says how each change of a compaction went, and waits for a daemon that is killed and started again.
    @Test func compactOutlivesTheDaemon() throws {
        let binaries = try #require(Binaries.folder)
        let data = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-e2e-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: data) }
        let first = try Daemon(folder: binaries, data: data)
        #expect(try sakuin(first, "index", "create", "t").code == 0)
        let sample = Binaries.root.appendingPathComponent("Examples/sample.jsonl").path
        #expect(try sakuin(first, "import", "t", sample, "--json").code == 0)
        let compact = Process()
        compact.executableURL = binaries.appendingPathComponent("sakuin")
        compact.arguments = ["--server", first.address, "compact", "t", "--max-mb-per-s", "0.001", "--json"]
        let pipe = Pipe()
        compact.standardOutput = pipe
        try compact.run()
        var text: [UInt8] = []
        while !text.contains(0x0A) { text += try #require(try pipe.fileHandleForReading.read(upToCount: 1)) }
        first.kill()
        let second = try Daemon(folder: binaries, data: data, listen: first.address)
        #expect(try sakuin(second, "jobs", "throttle", "t:1", "--max-mb-per-s", "0").code == 0)
        text += try pipe.fileHandleForReading.readToEnd() ?? Data()
        compact.waitUntilExit()
        #expect(compact.terminationStatus == 0)
        let events = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(events.first?.contains(#""event":"accepted""#) == true)
        #expect(events.last?.contains(#""event":"done""#) == true)
        #expect(second.stop() == 0)
    }

    @Test func badOptionsAreRefusedByName() throws {
        for (flag, value, limit) in [
            ("merge-deletes-percent", "91", "90"), ("merge-segments-per-tier", "1", "2"), ("merge-mb-per-s", "0", "1"),
            ("merge-max-segment-mb", "15", "16"), ("disk-merge-mb", "-1", "0"), ("metrics", "9705", nil),
        ] as [(String, String, String?)] {
            let process = Process()
            process.executableURL = try #require(Binaries.folder).appendingPathComponent("sakuind")
            process.arguments = ["--data", "/dev/null/x", "--\(flag)=\(value)"]
            let pipe = Pipe()
            process.standardError = pipe
            try process.run()
            let text = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            process.waitUntilExit()
            #expect(process.terminationStatus == 1)
            let particulars = "field \(flag)" + (limit.map { ", limit \($0)" } ?? "") + ", value \(value)"
            #expect(text.contains(particulars), "\(text)")
        }
    }

    @Test func loadCountsWhatItWasAskedFor() throws {
        let binaries = try #require(Binaries.folder)
        let work = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: work) }
        let sample = Binaries.root.appendingPathComponent("Examples/sample.jsonl").path
        let queries = work.appendingPathComponent("queries.tsv").path
        try "word\t国际\nword\t図書館\nbad\tNOT\nedge\tA股\n".write(
            toFile: queries, atomically: true, encoding: .utf8)
        let daemon = try Daemon(folder: binaries, data: work.appendingPathComponent("data").path)
        defer { daemon.kill() }
        #expect(try sakuin(daemon, "index", "create", "t").code == 0)
        #expect(try sakuin(daemon, "import", "t", sample, "--json").code == 0)

        let closed = try sakuin(
            daemon, "load", "t", "--queries", queries, "--kinds", "word,edge", "--requests", "30", "--connections", "2",
            "--streams", "3", "--json")
        #expect(closed.code == 0)
        #expect(closed.text.hasPrefix(#"{"loop":"closed","connections":2,"streams":3,"#))
        #expect(closed.text.contains(#""incomplete":0,"requests":30,"errors":{},"latencyMicroseconds":{"mean":"#))
        #expect(closed.text.contains(#""word":{"requests":20,"#) && closed.text.contains(#""edge":{"requests":10,"#))

        // At this rate all requests are due at once: none is left out, however late it is.
        let open = try sakuin(
            daemon, "load", "t", "--queries", queries, "--rate", "1000000", "--requests", "40", "--streams", "1",
            "--json")
        #expect(open.code == 1)
        #expect(open.text.contains(#""unsent":0,"incomplete":0,"requests":40,"errors":{"INVALID_ARGUMENT":10}"#))

        let folded = try sakuin(
            daemon, "load", "t", "--queries", queries, "--kinds", "word", "--requests", "20", "--variants", "han,kana",
            "--json")
        #expect(folded.code == 0 && folded.text.contains(#""requests":20,"errors":{},"#), "\(folded)")
        #expect(
            try sakuin(daemon, "load", "t", "--queries", queries, "--requests", "1", "--variants", "zh").code == 2)

        let empty = try sakuin(daemon, "load", "--empty", "--requests", "20", "--import-rate", "5")
        #expect(empty.code == 2)
        #expect(try sakuin(daemon, "load", "--empty", "--requests", "20", "--json").text.contains(#""requests":20"#))
        #expect(try sakuin(daemon, "load", "nowhere", "--queries", queries, "--requests", "1").code == 2)
    }
}
