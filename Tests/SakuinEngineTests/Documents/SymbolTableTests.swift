// The trained code of stored text: any bytes come back, damaged ones never trap, and common text takes less.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct SymbolTableTests {
    private func trained(_ texts: [String]) throws -> SymbolTable {
        var training = SymbolTraining()
        for text in texts { Array(text.utf8).withUnsafeBytes { training.add($0) } }
        let table = training.table()
        return try #require(table)
    }

    private func encoded(_ bytes: [UInt8], _ table: SymbolTable) -> [UInt8] {
        var out = ByteWriter()
        bytes.withUnsafeBytes { table.encode($0, into: &out) }
        return out.array()
    }

    private func decoded(_ bytes: [UInt8], _ table: SymbolTable) -> [UInt8]? {
        var out = ByteWriter()
        return bytes.withUnsafeBytes { table.decode($0, into: &out) } ? out.array() : nil
    }

    private let news = Array(repeating: "国际数字经济大会在北京举行，5G网络覆盖全国。\n", count: 20)

    @Test func frequentTextTakesLessThanABytePerCharacter() throws {
        let table = try trained(news)
        let bytes = Array(news[0].utf8)
        let code = encoded(bytes, table)
        #expect(decoded(code, table) == bytes)
        #expect(code.count * 2 < bytes.count)
    }

    @Test func anyBytesComeBack() throws {
        var random = SeededRandom(seed: 91)
        let table = try trained(news + ["한국어 ab cd", "日本語のテキスト", "𠀀𠀁 é"])
        let pieces: [[UInt8]] = [
            Array("国际".utf8), Array("网".utf8), Array("麤".utf8), Array("𠀀".utf8), Array("é".utf8), Array("ab".utf8),
            [0xE5], [0xE5, 0x9B], [0xFF], [0], [0xED, 0xA0, 0x80], [0xE0, 0x80, 0x80], [0x80], [255, 255],
        ]
        for _ in 0..<500 {
            var bytes: [UInt8] = []
            for _ in 0..<random.below(60) {
                bytes += random.below(4) == 0 ? [UInt8(random.below(256))] : pieces[random.below(pieces.count)]
            }
            #expect(decoded(encoded(bytes, table), table) == bytes)
        }
        #expect(decoded(encoded([], table), table) == [])
    }

    /// Units are looked at in runs; pairs across their ends are found as well.
    @Test func runsDoNotShow() throws {
        let symbols = [(0x56FD, 0x9645), (0x9645, nil), (0x61, nil)].map { first, second in
            SymbolTable.Symbol(first: UInt16(first), second: second.map { UInt16($0) })
        }
        let table = try #require(SymbolTable(symbols, oneByteCount: 3))
        for before in 0..<140 {
            let bytes = Array((String(repeating: "a", count: before) + String(repeating: "国际", count: 70) + "际").utf8)
            let expected = [UInt8](repeating: 2, count: before) + [UInt8](repeating: 0, count: 70) + [1]
            #expect(encoded(bytes, table) == expected, "\(before)")
            #expect(decoded(encoded(bytes, table), table) == bytes)
        }
    }

    @Test func tablesComeBack() throws {
        for texts in [news, ["a"], ["国"], [String(decoding: (0...127).map { UInt8($0) }, as: UTF8.self)]] {
            let table = try trained(texts)
            var out = ByteWriter()
            table.encode(into: &out)
            let decoded = out.withBytes { SymbolTable.decode($0) }
            let back = try #require(decoded)
            #expect(back.symbols == table.symbols && back.oneByteCount == table.oneByteCount)
        }
        let nothing = SymbolTraining()
        let none = nothing.table()
        #expect(none == nil)
    }

    /// Damaged tables are refused or are other tables; damaged codes are refused or are other bytes.
    @Test func damageNeverTraps() throws {
        var random = SeededRandom(seed: 92)
        let table = try trained(news)
        var out = ByteWriter()
        table.encode(into: &out)
        let good = out.array()
        let code = encoded(Array(news.joined().utf8), table)
        for length in 0..<good.count { _ = Array(good[..<length]).withUnsafeBytes { SymbolTable.decode($0) } }
        var refused = 0
        for _ in 0..<1_500 {
            var bytes = good
            bytes[random.below(bytes.count)] = UInt8(random.below(256))
            guard let other = bytes.withUnsafeBytes({ SymbolTable.decode($0) }) else {
                refused += 1
                continue
            }
            _ = decoded(code, other)
        }
        #expect(refused > 0)
        for _ in 0..<500 {
            let bytes = (0..<random.below(80)).map { _ in UInt8(random.below(256)) }
            _ = decoded(bytes, table)
        }
        #expect(decoded([255], table) == nil, "an escape with nothing behind it")
        #expect(decoded([254, 255], table) == nil, "a code that stands for nothing")
    }
}
