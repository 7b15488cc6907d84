import Testing

@testable import SakuinEngine

@Suite struct StoredTextCodeTests {
    private func coded(_ bytes: [UInt8]) -> [UInt8] {
        var out = ByteWriter()
        bytes.withUnsafeBytes { StoredTextCode.encode($0, into: &out) }
        return out.array()
    }

    private func decoded(_ bytes: [UInt8]) -> [UInt8]? {
        var out = ByteWriter()
        let isWhole = bytes.withUnsafeBytes { StoredTextCode.decode($0, into: &out) }
        return isWhole ? out.array() : nil
    }

    @Test func commonCharactersTakeTwoBytes() {
        for text in ["全文検索", "「カナ」", "ＡＢＣ！", "한국어", "“引用”——…", "鿿一"] {
            #expect(coded(Array(text.utf8)).count == text.unicodeScalars.count * 2, "\(text)")
        }
        #expect(coded(Array("plain ASCII, as it is".utf8)) == Array("plain ASCII, as it is".utf8))
    }

    @Test func theExampleOfTheFormatPage() {
        #expect(coded(Array("索é".utf8)) == [0xB1, 0x22, 0x01, 0xC3, 0xA9])
    }

    /// Four characters are coded at once where another byte stands behind them, and as they are one by one.
    @Test func charactersTogetherAreThoseAlone() {
        for first in stride(from: UInt32(0x800), to: 0xFFFC, by: 1) {
            let four = (first..<(first + 4)).compactMap { Unicode.Scalar($0) }.map { Array(String(Character($0)).utf8) }
            #expect(coded(four.flatMap { $0 } + [0x78]) == four.flatMap { coded($0) } + [0x78], "\(first)")
        }
    }

    @Test func everyScalarSurvives() {
        var all: [UInt8] = []
        for value in UInt32(0)...0x10FFFF {
            if let scalar = Unicode.Scalar(value) { all += Array(String(Character(scalar)).utf8) }
        }
        #expect(decoded(coded(all)) == all)
    }

    @Test func anyBytesSurvive() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let bytes = [first, second]
                #expect(decoded(coded(bytes)) == bytes)
            }
        }
        var random = StorageRandom(7)
        for length in 0..<300 {
            for _ in 0..<20 {
                var bytes = random.bytes(length)
                // Half of the time mostly lead and continuation bytes.
                if random.next(below: 2) == 0 { bytes = bytes.map { $0 | 0x80 } }
                #expect(decoded(coded(bytes)) == bytes)
            }
        }
        let long = random.bytes(100_000)
        #expect(decoded(coded(long)) == long)
    }

    @Test func hostileCodeIsRefusedOrDecoded() {
        var random = StorageRandom(8)
        for _ in 0..<20_000 {
            let bytes = random.bytes(random.next(below: 24))
            if let text = decoded(bytes) { #expect(decoded(coded(text)) == text) }
        }
        #expect(decoded([0x82]) == nil)
        #expect(decoded([0x01]) == nil)
        #expect(decoded([0x01, 0xE4, 0xB8]) == nil)
        #expect(decoded([0x01, 0x02]) == nil)
        #expect(decoded([]) == [])
    }
}
