// Files that the commands read, and options that are looked at before the server is asked.

import ArgumentParser
import Foundation
import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct InputTests {
    private func withFile<R>(_ bytes: [UInt8], _ name: String = "x", _ body: (String) throws -> R) throws -> R {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try Data(bytes).write(to: file)
        return try body(file.path)
    }

    private func lines(_ path: String) throws -> [String] {
        let source = try LineSource(path)
        var lines: [String] = []
        while let line = try source.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        return lines
    }

    private func error(_ body: () throws -> Void) -> SakuinError? {
        do { try body() } catch { return error as? SakuinError }
        return nil
    }

    @Test(arguments: ["", "\n", "a", "a\nb", "{}\n\u{FEFF}{}\n", "\u{FE}"])
    func aMarkAtTheBeginningIsNoText(text: String) throws {
        let plain = try withFile(Array(text.utf8)) { try lines($0) }
        #expect(try withFile(ByteOrderMark.bytes + Array(text.utf8)) { try lines($0) } == plain)
        #expect(
            plain
                == text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast(
                    text.isEmpty || text.hasSuffix("\n") ? 1 : 0))
    }

    @Test func aPartOfAMarkIsText() throws {
        for count in 1..<ByteOrderMark.bytes.count {
            let part = Array(ByteOrderMark.bytes.prefix(count))
            let source = try withFile(part) { try LineSource($0) }
            #expect(try source.next().map { Array($0) } == part)
        }
    }

    /// A named pipe brings the mark a byte at a time.
    @Test func pipesBringMarksInParts() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-\(UUID().uuidString)").path
        #expect(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        let writer = Thread {
            guard let handle = FileHandle(forWritingAtPath: path) else { return }
            for byte in ByteOrderMark.bytes + Array("a\nb".utf8) {
                try? handle.write(contentsOf: Data([byte]))
                usleep(2_000)
            }
            try? handle.close()
        }
        writer.start()
        #expect(try lines(path) == ["a", "b"])
    }

    @Test func packedFilesToo() throws {
        // printf '\xef\xbb\xbf{}\n' | gzip -n
        let packed: [UInt8] = [
            31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 123, 191, 123, 127, 117, 45, 23, 0, 41, 6, 54, 86, 6, 0, 0, 0,
        ]
        #expect(try withFile(packed, "x.gz") { try lines($0) } == ["{}"])
    }

    @Test func aFolderIsNoFile() {
        #expect(error { _ = try LineSource("/") }?.message == "/ is a folder.")
        #expect(error { _ = try LineSource("/nowhere") }?.code == .notFound)
    }

    @Test func schemaFiles() throws {
        let text = #"{"fields":[{"name":"a"}]}"#
        let made = Schema(fields: [FieldDefinition(name: "a")])
        #expect(try withFile(ByteOrderMark.bytes + Array(text.utf8)) { try InputFile.schema($0) } == made)
        for (text, field) in [("{", "json"), (#"{"fields":[{"name":"_key"}]}"#, "_key"), (#"{"field":[]}"#, "field")] {
            try withFile(Array(text.utf8)) { path in
                let told = try #require(error { _ = try InputFile.schema(path) })
                #expect(told.field == field && told.message.hasPrefix(path + ": "), "\(told)")
                #expect(told.nextStep?.contains("document") == false, "\(told)")
            }
        }
        #expect(error { _ = try InputFile.schema("/nowhere") }?.code == .notFound)
    }

    @Test func optionsOfASearch() throws {
        func field(_ words: [String]) throws -> String? {
            let command = try SearchCommand.parse(["i", "q"] + words)
            return error { try command.check() }?.field
        }
        #expect(try field(["--color", "foo"]) == "color")
        #expect(try field(["--limit", "99999999999"]) == "limit")
        #expect(try field(["--offset=-1"]) == "offset")
        #expect(try field(["--color", "never", "--limit", "4294967295"]) == nil)
        #expect(try field(["--column", "2"]) == "column")
    }

    @Test func jobsTellWhatTheyDo() throws {
        #expect(error { _ = try JobsCommand.parse(["foo"]).jobAction("foo") }?.field == "action")
        for words in [[], ["pause", "t:1"]] {
            #expect(error { try JobsCommand.parse(words + ["--max-mb-per-s", "1"]).check() }?.field == "max-mb-per-s")
            #expect(error { try JobsCommand.parse(words).check() } == nil)
        }
        #expect(error { try JobsCommand.parse(["throttle", "t:1", "--max-mb-per-s", "1"]).check() } == nil)
        #expect(throws: (any Error).self) { try CompactCommand.parse(["t", "--only-deletes", "--segments", "3"]) }
    }

    @Test func whatBeginsWithADashIsNoHelp() {
        #expect(GlobalArguments.joinedFlags(in: ["sakuin", "get", "news", "-dash"]) == "-dash")
        for words in [["-h"], ["--help"], ["get", "news", "--", "-dash"], ["import", "news", "-"]] {
            #expect(GlobalArguments.joinedFlags(in: ["sakuin"] + words) == nil)
        }
    }

    /// What is told when an import fails is what has receipts, not what was sent.
    @Test func anImportKnowsWhereToGoOn() {
        var reached = ImportCommand.Progress()
        #expect(!reached.lines.hasBegun)
        for batch in [[1, 2], [4, 5], [6]] { reached.lines.append(batch) }
        func line() -> JSONValue? { ImportCommand.unfinished(reached).first { $0.0 == "acknowledgedLine" }?.1 }
        #expect(reached.lines.hasBegun && line() == .integer(0))
        #expect(reached.lines.removeFirst() == [1, 2] && line() == .integer(2))
        #expect(reached.lines.removeFirst() == [4, 5] && line() == .integer(5))
        #expect(!reached.lines.isEmpty)
    }
}
