import SakuinTypes

/// How a value stands in an encoded document.
enum EncodedFieldKind: UInt8, Sendable {
    case null = 0
    /// Varint length and UTF-8.
    case string = 1
    /// Zigzag varint.
    case integer = 2
    /// Eight bytes, IEEE 754, little-endian.
    case float = 3
    case no = 4
    case yes = 5
    /// Varint length and JSON text.
    case json = 6
    /// The document's key, which the JSON had as a string; no payload.
    case keyString = 7
    /// The document's key, which the JSON had as an integer; no payload.
    case keyInteger = 8
}

/// One field of an encoded document; the bytes belong to the document.
struct EncodedField {
    var number: Int
    var kind: EncodedFieldKind
    /// The text of a string, of JSON or of the key; else empty.
    var bytes: UnsafeRawBufferPointer
    /// Of an integer or float: its 64 bits.
    var bits: UInt64

    /// The value as a whole number, when it is one.
    var integer: Int64? {
        switch kind {
        case .integer: Int64(bitPattern: bits)
        case .float: Int64(exactly: Double(bitPattern: bits))
        case .keyInteger: Int64(String(decoding: bytes, as: UTF8.self))
        case .null, .string, .no, .yes, .json, .keyString: nil
        }
    }

    /// The value as a floating-point number, when it is a number.
    var double: Double? {
        switch kind {
        case .float: Double(bitPattern: bits)
        case .integer: Double(Int64(bitPattern: bits))
        case .keyInteger: Int64(String(decoding: bytes, as: UTF8.self)).map { Double($0) }
        case .null, .string, .no, .yes, .json, .keyString: nil
        }
    }

    var boolean: Bool? {
        switch kind {
        case .yes: true
        case .no: false
        case .null, .string, .integer, .float, .json, .keyString, .keyInteger: nil
        }
    }
}

/// Makes an encoded document: `begin`, one `add…` a field in order, `finish`; then again.
///
/// Varint key length, key, varint fields, then per field varint number, u8 kind, payload.
struct EncodedDocumentBuilder: ~Copyable {
    private var key = ByteWriter()
    private var fields = ByteWriter(capacity: 4096)
    private var fieldCount: UInt64 = 0

    init() {}

    mutating func begin(key bytes: UnsafeRawBufferPointer) {
        key.removeAll()
        key.append(bytes: bytes)
        fields.removeAll()
        fieldCount = 0
    }

    mutating func begin(key text: String) {
        begin(key: UnsafeRawBufferPointer(start: nil, count: 0))
        key.append(utf8: text)
    }

    private mutating func add(_ number: Int, _ kind: EncodedFieldKind) {
        fields.appendVarint(UInt64(number))
        fields.append(kind.rawValue)
        fieldCount += 1
    }

    mutating func addNull(_ number: Int) { add(number, .null) }

    /// Valid UTF-8.
    mutating func addString(_ number: Int, _ utf8: UnsafeRawBufferPointer) {
        add(number, .string)
        fields.appendVarint(UInt64(utf8.count))
        fields.append(bytes: utf8)
    }

    mutating func addInteger(_ number: Int, _ value: Int64) {
        add(number, .integer)
        fields.appendVarint(UInt64(bitPattern: value &<< 1 ^ value &>> 63))
    }

    mutating func addFloat(_ number: Int, _ value: Double) {
        add(number, .float)
        fields.append64(value.bitPattern)
    }

    mutating func addBoolean(_ number: Int, _ value: Bool) { add(number, value ? .yes : .no) }

    /// Valid JSON as UTF-8.
    mutating func addJSON(_ number: Int, _ utf8: UnsafeRawBufferPointer) {
        add(number, .json)
        fields.appendVarint(UInt64(utf8.count))
        fields.append(bytes: utf8)
    }

    /// The field that the key was taken from; `isInteger` when it was written as one.
    mutating func addKey(_ number: Int, isInteger: Bool) { add(number, isInteger ? .keyInteger : .keyString) }

    mutating func add(_ number: Int, _ value: FieldValue) {
        switch value {
        case .null: addNull(number)
        case .string(var text): text.withUTF8 { addString(number, UnsafeRawBufferPointer($0)) }
        case .integer(let value): addInteger(number, value)
        case .float(let value): addFloat(number, value)
        case .boolean(let value): addBoolean(number, value)
        case .json(var text): text.withUTF8 { addJSON(number, UnsafeRawBufferPointer($0)) }
        }
    }

    /// Bytes `finish` will append, or a few more.
    var byteCount: Int { key.count + fields.count + 20 }

    mutating func finish(into out: inout ByteWriter) {
        out.appendVarint(UInt64(key.count))
        key.withBytes { out.append(bytes: $0) }
        out.appendVarint(fieldCount)
        fields.withBytes { out.append(bytes: $0) }
    }
}
