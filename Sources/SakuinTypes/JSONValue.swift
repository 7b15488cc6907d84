/// A JSON value as a tree, for schemas, configuration and replies.
public indirect enum JSONValue: Sendable, Hashable {
    /// One member of an object; order is kept.
    public struct Member: Sendable, Hashable {
        public var key: String
        public var value: JSONValue
        public init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    case null
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// Throws `invalidArgument` with the byte offset of what is no JSON.
    public init(parsing bytes: [UInt8]) throws(SakuinError) {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        defer { copy.deallocate() }
        _ = copy.initialize(from: bytes)
        var input = JSONInput(UnsafeBufferPointer(rebasing: copy[..<bytes.count]))
        var scratch = JSONScratch()
        input.skipBlanks()
        self = try Self.value(&input, &scratch, depth: 0)
        input.skipBlanks()
        guard input.isAtEnd else { throw input.failure("Something stands behind the value.") }
    }

    private static func value(
        _ input: inout JSONInput, _ scratch: inout JSONScratch, depth: Int
    ) throws(SakuinError) -> JSONValue {
        guard depth < JSONObjectScanner.depthMax else { throw input.failure("The value is nested too deep.") }
        switch input.peek {
        case UInt8(ascii: "\""): return .string(String(decoding: try input.string(&scratch), as: UTF8.self))
        case UInt8(ascii: "["):
            _ = input.take(UInt8(ascii: "["))
            var values: [JSONValue] = []
            input.skipBlanks()
            if input.take(UInt8(ascii: "]")) { return .array([]) }
            while true {
                input.skipBlanks()
                values.append(try value(&input, &scratch, depth: depth + 1))
                input.skipBlanks()
                if input.take(UInt8(ascii: ",")) { continue }
                guard input.take(UInt8(ascii: "]")) else { throw input.failure("A comma or ']' is expected.") }
                return .array(values)
            }
        case UInt8(ascii: "{"):
            _ = input.take(UInt8(ascii: "{"))
            var members: [Member] = []
            input.skipBlanks()
            if input.take(UInt8(ascii: "}")) { return .object([]) }
            while true {
                input.skipBlanks()
                let key = String(decoding: try input.string(&scratch), as: UTF8.self)
                input.skipBlanks()
                guard input.take(UInt8(ascii: ":")) else { throw input.failure("A colon is expected.") }
                input.skipBlanks()
                members.append(Member(key: key, value: try value(&input, &scratch, depth: depth + 1)))
                input.skipBlanks()
                if input.take(UInt8(ascii: ",")) { continue }
                guard input.take(UInt8(ascii: "}")) else { throw input.failure("A comma or '}' is expected.") }
                return .object(members)
            }
        default:
            switch try input.scalar() {
            case .boolean(let value): return .boolean(value)
            case .integer(let value): return .integer(value)
            case .float(let value): return .float(value)
            case .json(let digits): return .float(Double(String(decoding: digits, as: UTF8.self)) ?? 0)
            case .null, .string: return .null
            }
        }
    }

    /// The first member of that name of an object.
    public subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// Compact JSON text.
    public var text: String {
        var writer = JSONWriter()
        writer.append(self)
        return writer.text
    }
}

/// Writes JSON text.
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public var text: String { String(decoding: bytes, as: UTF8.self) }

    public mutating func append(raw text: String) { bytes.append(contentsOf: text.utf8) }

    /// A quoted string; only quotes, backslashes and control characters are escaped.
    public mutating func append(string text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: append(raw: "\\n")
            case 0x0D: append(raw: "\\r")
            case 0x09: append(raw: "\\t")
            case 0..<0x20:
                append(raw: "\\u00")
                for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 48 + digit : 87 + digit) }
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func append(_ value: JSONValue) {
        switch value {
        case .null: append(raw: "null")
        case .boolean(let value): append(raw: value ? "true" : "false")
        case .integer(let value): append(raw: String(value))
        case .float(let value): append(raw: value.isFinite ? "\(value)" : "null")
        case .string(let text): append(string: text)
        case .array(let values):
            append(raw: "[")
            for (i, value) in values.enumerated() {
                if i > 0 { append(raw: ",") }
                append(value)
            }
            append(raw: "]")
        case .object(let members):
            append(raw: "{")
            for (i, member) in members.enumerated() {
                if i > 0 { append(raw: ",") }
                append(string: member.key)
                append(raw: ":")
                append(member.value)
            }
            append(raw: "}")
        }
    }

    public mutating func append(_ value: FieldValue) {
        switch value {
        case .null: append(raw: "null")
        case .boolean(let value): append(raw: value ? "true" : "false")
        case .integer(let value): append(raw: String(value))
        case .float(let value): append(raw: value.isFinite ? "\(value)" : "null")
        case .string(let text): append(string: text)
        case .json(let text): append(raw: text)
        }
    }
}
