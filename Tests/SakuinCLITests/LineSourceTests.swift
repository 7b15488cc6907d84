// Lines of a file, whatever their length.

import Foundation
import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct LineSourceTests {
    private func read(_ text: String, byteCountMax: Int) throws -> [String] {
        let path = FileManager.default.temporaryDirectory.appending(path: "sakuin-lines-\(UUID().uuidString)").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let source = try LineSource(path)
        var lines: [String] = []
        while let line = try source.nextLine(byteCountMax: byteCountMax) {
            switch line {
            case .text(let bytes): lines.append(String(decoding: bytes, as: UTF8.self))
            case .tooLong(let byteCount): lines.append("too long: \(byteCount)")
            }
        }
        return lines
    }

    @Test func longLinesArePassedOver() throws {
        #expect(try read("", byteCountMax: 3) == [])
        #expect(try read("abc\n\nabcd\nx", byteCountMax: 3) == ["abc", "", "too long: 4", "x"])
        #expect(try read("abcd", byteCountMax: 3) == ["too long: 4"])
        // Longer than what is read at a time, with the end of a line at the end of a block too.
        let block = 1 << 20
        for length in [block - 1, block, 3 * block - 1, 3 * block + 7] {
            let text = String(repeating: "a", count: length)
            #expect(try read("x\n\(text)\ny\n", byteCountMax: 10) == ["x", "too long: \(length)", "y"])
            #expect(try read("\(text)\ny", byteCountMax: length - 1) == ["too long: \(length)", "y"])
            #expect(try read("\(text)\ny", byteCountMax: length) == [text, "y"])
            #expect(try read(text, byteCountMax: 10) == ["too long: \(length)"])
        }
    }

    /// Lines come as they are written, whole or in parts; nothing at hand is told from the end.
    @Test func aPipeIsReadAsItIsWritten() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sakuin-pipe-\(UUID().uuidString)").path
        #expect(mkfifo(path, 0o600) == 0)
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Both ends, so that opening waits for nobody.
        let file = open(path, O_RDWR)
        defer { close(file) }
        func send(_ text: String) { #expect(write(file, text, text.utf8.count) == text.utf8.count) }
        func line(_ source: LineSource) throws -> String? {
            guard case .text(let bytes)? = try source.nextLine(byteCountMax: 100) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        let source = try LineSource(path)
        #expect(source.hasToWait(milliseconds: 0))
        send("one\ntwo\nthr")
        #expect(!source.hasToWait(milliseconds: 0))
        #expect(try line(source) == "one")
        #expect(!source.hasToWait(milliseconds: 0))
        #expect(try line(source) == "two")
        #expect(source.hasToWait(milliseconds: 0))
        send("ee\n")
        #expect(!source.hasToWait(milliseconds: 0))
        #expect(try line(source) == "three")
        #expect(source.hasToWait(milliseconds: 0))
    }
}
