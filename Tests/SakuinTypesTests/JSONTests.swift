// JSON: what is taken, what is refused, and that nothing changes on the way through.
import SakuinTypes
import Testing

/// A small generator with a seed (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Collects the members a scan hands over.
private struct Collector: JSONMemberVisitor {
    var names: [String] = []
    var values: [FieldValue] = []
    mutating func member(name: UnsafeBufferPointer<UInt8>, value: JSONMember) throws(SakuinError) {
        names.append(String(decoding: name, as: UTF8.self))
        switch value {
        case .null: values.append(.null)
        case .boolean(let flag): values.append(.boolean(flag))
        case .integer(let number): values.append(.integer(number))
        case .float(let number): values.append(.float(number))
        case .string(let bytes): values.append(.string(String(decoding: bytes, as: UTF8.self)))
        case .json(let bytes): values.append(.json(String(decoding: bytes, as: UTF8.self)))
        }
    }
}

private func scan(_ bytes: [UInt8]) throws(SakuinError) -> Collector {
    var collector = Collector()
    var scanner = JSONObjectScanner()
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    defer { copy.deallocate() }
    _ = copy.initialize(from: bytes)
    try scanner.scan(UnsafeBufferPointer(copy), visitor: &collector)
    return collector
}

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-1", "[]", "{}", "[1,2,[3]]", #"{"a":{"b":[null]}}"#, #""索引""#,
        "9223372036854775807", "-9223372036854775808", "1.5", #"["\"\\"]"#,
    ]) func roundTrip(text: String) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)).text == text)
    }

    @Test(arguments: [
        (#""\u7d22\u5F15""#, "索引"), (#""\ud83d\ude00""#, "😀"), (#""\/\b\f\n\r\t""#, "/\u{8}\u{C}\n\r\t"),
        (#""\u0000""#, "\0"), ("\"\u{7F}\u{10FFFF}\"", "\u{7F}\u{10FFFF}"),
    ]) func escapes(text: String, value: String) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)) == .string(value))
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "01", "-", "+1", "1.", ".5", "1e", "1e+", "[1,]", "[1 2]", "[", "]", "{", #"{"a"}"#,
        #"{"a":}"#, #"{"a":1,}"#, "{a:1}", #"""#, #""\"#, #""\x""#, #""\u12""#, #""\ud800""#, #""\udc00""#,
        #""\ud800\u0041""#, "\"\n\"", "1 2", "NaN", "Infinity", "'a'", "1e999", "\u{FEFF}1", "--1", "\"\t\"",
    ]) func refused(text: String) {
        #expect(throws: SakuinError.self) { _ = try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80],
            [0x80], [0xE7, 0xB4], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]]) func invalidUTF8(bytes: [UInt8]) throws
    {
        let error = try #require(throws: SakuinError.self) { _ = try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        #expect(error.code == .invalidArgument)
        #expect(error.value == "byte 1")
    }

    /// Pieces of strings as they stand in JSON, with what they stand for; nil for what makes the string invalid.
    private static let pieces: [(json: [UInt8], value: String?)] = {
        let plain = [
            "a", "plain ASCII of more than sixteen bytes, ", "索", "索引は全文検索である。", "é", "и", "😀", "한국어로쓴글은", "ก", "ไทย",
            "\u{800}", "\u{FFF}", "\u{1000}", "\u{CFFF}", "\u{D000}", "\u{D7FF}", "\u{E000}", "\u{FFFF}", "\u{7F}",
        ].map { (Array($0.utf8), Optional($0)) }
        let escapes: [([UInt8], String?)] = [
            (Array(#"\n"#.utf8), "\n"), (Array(#"\\"#.utf8), "\\"), (Array(#"\""#.utf8), "\""),
            (Array(#"\u7d22"#.utf8), "索"),
        ]
        let bad: [[UInt8]] = [
            [0x80], [0xE7], [0xE7, 0xB4], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xC1, 0xBF],
            [0xF8, 0x80, 0x80],
            [0xEE, 0x80], [0x1F], [0xE7, 0x22, 0x80],
        ]
        return plain + escapes + bad.map { ($0, nil) }
    }()

    /// Strings are read many bytes at a time: what is valid, and what it stands for, is the same wherever it stands.
    @Test func stringsOfAllKindsOfBytes() throws {
        var random = Seeded(state: 26)
        let (good, bad) = (Self.pieces.filter { $0.value != nil }, Self.pieces.filter { $0.value == nil })
        for round in 0..<20_000 {
            let usual = good[Int.random(in: 0..<good.count, using: &random)]
            var (json, value) = ([UInt8](), "")
            for _ in 0..<Int.random(in: 0..<24, using: &random) {
                let piece =
                    Int.random(in: 0..<3, using: &random) > 0
                    ? usual : good[Int.random(in: 0..<good.count, using: &random)]
                json += piece.json
                value += piece.value ?? ""
            }
            let text = [0x22] + json + [0x22]
            #expect(try JSONValue(parsing: text) == .string(value), "round \(round)")
            // Anywhere between two pieces a bad one spoils it, and is named.
            var starts = [0]
            var at = 0
            while at < json.count {
                at += json[at] == 0x5C ? (json[at + 1] == 0x75 ? 6 : 2) : Self.length(json[at])
                starts.append(at)
            }
            let place = starts[Int.random(in: 0..<starts.count, using: &random)]
            let piece = bad[Int.random(in: 0..<bad.count, using: &random)]
            let error = try #require(throws: SakuinError.self) {
                _ = try JSONValue(parsing: [0x22] + json[..<place] + piece.json + json[place...] + [0x22])
            }
            #expect(error.value == "byte \(place + 1)", "round \(round), \(piece.json)")
        }
    }

    /// Bytes of the UTF-8 sequence with that first byte.
    private static func length(_ first: UInt8) -> Int { first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4 }

    @Test func depthIsLimited() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        _ = try JSONValue(parsing: nested(120))
        #expect(throws: SakuinError.self) { _ = try JSONValue(parsing: nested(200)) }
        #expect(throws: SakuinError.self) { _ = try JSONValue(parsing: nested(1_000_000)) }
        let inObject = Array(#"{"a":"#.utf8) + nested(1_000_000) + [0x7D]
        #expect(throws: SakuinError.self) { _ = try scan(inObject) }
    }

    @Test func scannerHandsOverEveryMember() throws {
        let text = #" {"a":null,"b":true,"c":-7,"d":2.5,"e":"x\"索","f":[1, {"g":2}],"" : {} } "#
        let found = try scan(Array(text.utf8))
        #expect(found.names == ["a", "b", "c", "d", "e", "f", ""])
        #expect(
            found.values == [
                .null, .boolean(true), .integer(-7), .float(2.5), .string("x\"索"), .json(#"[1, {"g":2}]"#), .json("{}"),
            ])
    }

    @Test func aNameThatStandsTwiceIsNamed() throws {
        let error = try #require(throws: SakuinError.self) { _ = try scan(Array(#"{"a":1,"\u0061":2}"#.utf8)) }
        #expect(error.field == "a")
    }

    @Test func documents() throws {
        let document = try Document(
            json: Array(#"{"id":7,"title":"索引","tags":["a","b"],"x":null}"#.utf8), keyField: "id")
        #expect(document.key == "7")
        #expect(document["tags"] == .json(#"["a","b"]"#))
        #expect(String(decoding: document.json(), as: UTF8.self) == #"{"id":7,"title":"索引","tags":["a","b"],"x":null}"#)
        #expect(
            String(decoding: Document(key: "k", ["a": 1]).json(keyField: "id"), as: UTF8.self) == #"{"id":"k","a":1}"#)
        #expect(try Document(json: Array("{}".utf8), keyField: nil, key: "z").key == "z")
        for bad in [#"{"id":null}"#, #"{"id":1.5}"#, #"{"id":[1]}"#, "{}", "[]", ""] {
            #expect(throws: SakuinError.self) { _ = try Document(json: Array(bad.utf8), keyField: "id") }
        }
    }

    private func random(_ generator: inout Seeded, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &generator) {
        case 0: return .null
        case 1: return .boolean(.random(using: &generator))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &generator))
        case 3: return .float(Double.random(in: -1e9...1e9, using: &generator))
        case 4:
            let pool: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "\0", "索", "引", "😀", "é", "/", "\u{1F}"]
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                text.append(pool.randomElement(using: &generator) ?? "a")
            }
            return .string(String(text))
        case 5:
            return .array(
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in random(&generator, depth: depth + 1) })
        default:
            return .object(
                (0..<Int.random(in: 0...4, using: &generator)).map {
                    .init(key: "k\($0)", value: random(&generator, depth: depth + 1))
                })
        }
    }

    @Test func randomValuesRoundTrip() throws {
        var generator = Seeded(state: 20231109)
        for _ in 0..<3_000 {
            let value = random(&generator, depth: 0)
            #expect(try JSONValue(parsing: Array(value.text.utf8)) == value)
        }
    }

    @Test func damagedTextNeverTraps() {
        var generator = Seeded(state: 5)
        let base = Array(#"{"id":"a","t":"\u7d22\ud83d\ude00索引","n":-1.5e3,"l":[1,{"x":null}],"b":true}"#.utf8)
        var refused = 0
        for _ in 0..<20_000 {
            var bytes = base
            for _ in 0...Int.random(in: 0...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            bytes.removeLast(Int.random(in: 0...3, using: &generator))
            do { _ = try scan(bytes) } catch { refused += 1 }
            _ = try? JSONValue(parsing: bytes)
        }
        #expect(refused > 10_000)
    }
}

@Suite struct LargeIntegerTests {
    @Test func integersBeyond64BitsKeepTheirDigits() throws {
        let text = "{\"id\":\"a\",\"n\":18446744073709551617,\"m\":-9223372036854775808}"
        let document = try Document(json: Array(text.utf8), keyField: "id")
        #expect(document["n"] == .json("18446744073709551617"))
        #expect(document["m"] == .integer(.min))
        #expect(String(decoding: document.json(), as: UTF8.self) == text)
    }

    @Test func arraysAreScannedByElement() throws {
        func scan(_ text: String) throws -> [String] {
            var scanner = JSONArrayScanner()
            var found: [String] = []
            try Array(text.utf8).withUnsafeBufferPointer { bytes in
                try scanner.scan(bytes) { (value) throws(SakuinError) in
                    switch value {
                    case .string(let text): found.append("s" + String(decoding: text, as: UTF8.self))
                    case .json(let text): found.append("j" + String(decoding: text, as: UTF8.self))
                    default: found.append("\(value)")
                    }
                }
            }
            return found
        }
        #expect(try scan("[]") == [] && scan(" [ ] ") == [])
        #expect(
            try scan(#"[ "a\u0062" ,"国", null,1,[2,"]"],{"a":[]} ]"#) == [
                "sab", "s国", "null", "integer(1)", #"j[2,"]"]"#, #"j{"a":[]}"#,
            ])
        for text in ["", "[", "[1", "[1,]", "[,1]", "[1 2]", "[1]x", "{}", #"["a]"#, "[nul]", #"["\ud800"]"#] {
            let error = try #require(throws: SakuinError.self) { _ = try scan(text) }
            #expect(error.code == .invalidArgument, "\(text)")
        }
    }
}
