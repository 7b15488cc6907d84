/// One value of a document's field.
public enum FieldValue: Sendable, Hashable {
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    case null
    /// An array or object, or an integer beyond 64 bits, as the JSON text it came as. Stored and returned, not searched, but
    /// for arrays of strings in keyword fields that take several values; see `strings`.
    case json(String)
}

/// A document: a key that is unique in its index, and named values in the order they were given.
public struct Document: Sendable, Hashable {
    public struct Field: Sendable, Hashable {
        public var name: String
        public var value: FieldValue
        public init(_ name: String, _ value: FieldValue) {
            self.name = name
            self.value = value
        }
    }

    public static let keyByteCountMax = 1_024
    /// The most bytes one document may have, all values together.
    public static let byteCountMax = 32 << 20

    public var key: String
    public var fields: [Field]

    public init(key: String, fields: [Field]) {
        self.key = key
        self.fields = fields
    }

    /// `Document(key: "1", ["title": "索引", "year": 2026])`
    public init(key: String, _ fields: KeyValuePairs<String, FieldValue>) {
        self.init(key: key, fields: fields.map { Field($0.key, $0.value) })
    }

    /// The first value of that name, byte for byte.
    public subscript(name: String) -> FieldValue? { fields.first { $0.name.hasSameBytes(as: name) }?.value }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .float(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }

    /// The values of a keyword field that takes several.
    public static func strings(_ values: [String]) -> FieldValue {
        .json(JSONValue.array(values.map { .string($0) }).text)
    }

    /// The string, when the value is one.
    public var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}
