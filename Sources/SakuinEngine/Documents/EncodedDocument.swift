// The one form of a document in journal, memory and document store.
//
// Varint key bytes, the key, varint fields; per field varint number, u8 kind, payload: string and json a varint length
// and UTF-8, integer a zigzag varint, float 8 bytes of its bits, the others nothing. `keyString` and `keyInteger` say
// that the value is the key itself, which is not stored twice.

enum FieldKind: UInt8 {
    case null = 0
    case string = 1
    case integer = 2
    case float = 3
    case no = 4
    case yes = 5
    case json = 6
    case keyString = 7
    case keyInteger = 8
}

/// One field of an encoded document; `bytes` point into it.
struct EncodedField {
    var number: Int
    var kind: FieldKind
    /// For string and json their UTF-8, for the key kinds the key, for float its 8 bytes.
    var bytes: UnsafeRawBufferPointer
    private let signed: Int64

    fileprivate init(_ number: Int, _ kind: FieldKind, _ bytes: UnsafeRawBufferPointer, _ signed: Int64 = 0) {
        self.number = number
        self.kind = kind
        self.bytes = bytes
        self.signed = signed
    }

    /// Whether it is a text, whose UTF-8 `bytes` are.
    var isText: Bool { kind == .string || kind == .keyString || kind == .keyInteger }

    var integer: Int64? {
        switch kind {
        case .integer: signed
        case .keyInteger: Int64(String(decoding: bytes, as: UTF8.self))
        default: nil
        }
    }

    var double: Double? {
        if kind == .float { return Double(bitPattern: bytes.loadUnaligned(as: UInt64.self)) }
        return integer.map { Double($0) }
    }

    var boolean: Bool? {
        switch kind {
        case .yes: true
        case .no: false
        default: nil
        }
    }

    /// As a value of the public model.
    var value: FieldValue {
        switch kind {
        case .null: .null
        case .string, .keyString: .string(String(decoding: bytes, as: UTF8.self))
        case .integer, .keyInteger: .integer(integer ?? 0)
        case .float: .float(double ?? 0)
        case .no: .boolean(false)
        case .yes: .boolean(true)
        case .json: .json(String(decoding: bytes, as: UTF8.self))
        }
    }
}

/// Walks the fields of an encoded document without allocating.
struct EncodedDocumentReader {
    private var reader: ByteReader
    private var left = 0
    let key: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer, file: String = "document") throws(StorageError) {
        reader = ByteReader(bytes, file: file)
        let length = try reader.readCount(max: reader.remaining)
        key = try reader.readBytes(length)
        left = try reader.readCount(max: reader.remaining)
    }

    /// Bytes of the key and of its length at the beginning of a document.
    static func keyEnd(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> Int {
        var reader = ByteReader(bytes, file: "document")
        _ = try reader.readBytes(try reader.readCount(max: reader.remaining))
        return reader.offset
    }

    mutating func next() throws(StorageError) -> EncodedField? {
        if left == 0 { return nil }
        left -= 1
        let number = try reader.readCount(max: FieldRegistry.fieldCountMax)
        guard let kind = FieldKind(rawValue: try reader.read8()) else { throw reader.corrupt("unknown kind of field") }
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        switch kind {
        case .null, .no, .yes: return EncodedField(number, kind, none)
        case .string, .json:
            let length = try reader.readCount(max: reader.remaining)
            return EncodedField(number, kind, try reader.readBytes(length))
        case .integer:
            let zigzag = try reader.readVarint()
            return EncodedField(
                number, kind, none, Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1))
        case .float: return EncodedField(number, kind, try reader.readBytes(8))
        case .keyString, .keyInteger: return EncodedField(number, kind, key)
        }
    }

    /// The document with field names out of `names`.
    static func decode(_ bytes: UnsafeRawBufferPointer, names: [String], file: String) throws(StorageError) -> Document
    {
        var reader = try EncodedDocumentReader(bytes, file: file)
        var document = Document(key: String(decoding: reader.key, as: UTF8.self), fields: [])
        while let field = try reader.next() {
            guard field.number < names.count else { throw reader.reader.corrupt("field number \(field.number)") }
            document.fields.append(Document.Field(names[field.number], field.value))
        }
        return document
    }

    /// Copies the document with the fields that `keep` says true for.
    static func copy(
        _ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter, keep: (Int) -> Bool
    ) throws(StorageError) {
        var reader = try EncodedDocumentReader(bytes)
        var fields = EncodedDocumentBuilder()
        while let field = try reader.next() {
            if keep(field.number) { fields.add(field) }
        }
        fields.finish(key: reader.key, into: &out)
    }
}

/// Makes encoded documents, one after another.
struct EncodedDocumentBuilder: ~Copyable {
    private var fields = ByteWriter(capacity: 4096)
    private var count = 0

    init() {}

    /// Bytes of the fields so far.
    var byteCount: Int { fields.count }

    private mutating func begin(_ number: Int, _ kind: FieldKind) {
        fields.appendVarint(UInt64(number))
        fields.append(kind.rawValue)
        count += 1
    }

    mutating func add(_ number: Int, string: UnsafeRawBufferPointer) {
        begin(number, .string)
        fields.appendVarint(UInt64(string.count))
        fields.append(bytes: string)
    }

    mutating func add(_ number: Int, json: UnsafeRawBufferPointer) {
        begin(number, .json)
        fields.appendVarint(UInt64(json.count))
        fields.append(bytes: json)
    }

    mutating func add(_ number: Int, integer: Int64) {
        begin(number, .integer)
        fields.appendVarint(UInt64(bitPattern: integer << 1 ^ integer >> 63))
    }

    mutating func add(_ number: Int, float: Double) {
        begin(number, .float)
        fields.append64(float.bitPattern)
    }

    /// null, no, yes, or one of the key kinds.
    mutating func add(_ number: Int, bare kind: FieldKind) { begin(number, kind) }

    fileprivate mutating func add(_ field: EncodedField) {
        switch field.kind {
        case .string: add(field.number, string: field.bytes)
        case .json: add(field.number, json: field.bytes)
        case .integer: add(field.number, integer: field.integer ?? 0)
        case .float: add(field.number, float: field.double ?? 0)
        case .null, .no, .yes, .keyString, .keyInteger: add(field.number, bare: field.kind)
        }
    }

    /// Appends the document and starts the next one.
    mutating func finish(key: UnsafeRawBufferPointer, into out: inout ByteWriter) {
        out.appendVarint(UInt64(key.count))
        out.append(bytes: key)
        out.appendVarint(UInt64(count))
        fields.withBytes { out.append(bytes: $0) }
        discard()
    }

    /// Forgets the fields so far.
    mutating func discard() {
        fields.removeAll()
        count = 0
    }
}
