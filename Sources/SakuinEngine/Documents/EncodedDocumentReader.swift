import SakuinTypes

/// Reads an encoded document field by field without allocating; the bytes have to outlive it.
struct EncodedDocumentReader {
    /// The document's key: UTF-8.
    let key: UnsafeRawBufferPointer
    let fieldCount: Int
    private var left: Int
    private var reader: ByteReader

    init(_ bytes: UnsafeRawBufferPointer, file: String = "document") throws(StorageError) {
        reader = ByteReader(bytes, file: file)
        let keyByteCount = try reader.readCount(max: Document.keyByteCountMax)
        key = try reader.readBytes(keyByteCount)
        // A field takes two bytes at least.
        fieldCount = try reader.readCount(max: reader.remaining / 2)
        left = fieldCount
        reader = ByteReader(
            UnsafeRawBufferPointer(rebasing: bytes[reader.offset...]), file: file, base: reader.offset)
        // Left alone by `next`, which is never called for a document without fields by some callers.
        if fieldCount == 0, reader.remaining > 0 { throw reader.corrupt("bytes behind the last field") }
    }

    /// The next field, nil behind the last.
    mutating func next() throws(StorageError) -> EncodedField? {
        if left == 0 { return nil }
        left -= 1
        let number = try reader.readCount(max: Int(Int32.max))
        let raw = try reader.read8()
        guard let kind = EncodedFieldKind(rawValue: raw) else { throw reader.corrupt("unknown kind \(raw) of field") }
        var field = EncodedField(
            number: number, kind: kind, bytes: UnsafeRawBufferPointer(start: nil, count: 0), bits: 0)
        switch kind {
        case .null, .no, .yes: break
        case .string, .json: field.bytes = try reader.readBytes(try reader.readCount(max: reader.remaining))
        case .integer:
            let zigzag = try reader.readVarint()
            field.bits = zigzag &>> 1 ^ (0 &- (zigzag & 1))
        case .float: field.bits = try reader.read64()
        case .keyString, .keyInteger: field.bytes = key
        }
        if left == 0, reader.remaining > 0 { throw reader.corrupt("bytes behind the last field") }
        return field
    }

    /// Copies a document without the fields that `keep` says no to.
    static func copy(
        _ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter, keep: (Int) -> Bool
    ) throws(StorageError) {
        var counted = try EncodedDocumentReader(bytes)
        var kept: UInt64 = 0
        while let field = try counted.next() { kept += keep(field.number) ? 1 : 0 }
        var reader = try EncodedDocumentReader(bytes)
        out.appendVarint(UInt64(reader.key.count))
        out.append(bytes: reader.key)
        out.appendVarint(kept)
        while true {
            let start = reader.reader.offset
            guard let field = try reader.next() else { return }
            guard keep(field.number) else { continue }
            out.append(bytes: UnsafeRawBufferPointer(rebasing: reader.reader.bytes[start..<reader.reader.offset]))
        }
    }

    /// The whole document; `names` is the table that the field numbers index.
    static func decode(_ bytes: UnsafeRawBufferPointer, names: [String]) throws(StorageError) -> Document {
        var reader = try EncodedDocumentReader(bytes)
        let key = try reader.text(reader.key)
        var fields: [Document.Field] = []
        fields.reserveCapacity(reader.fieldCount)
        while let field = try reader.next() {
            guard field.number < names.count else { throw reader.reader.corrupt("field \(field.number) has no name") }
            fields.append(Document.Field(names[field.number], try reader.value(field)))
        }
        return Document(key: key, fields: fields)
    }

    /// The value of a field that `next` returned.
    func value(_ field: EncodedField) throws(StorageError) -> FieldValue {
        switch field.kind {
        case .null: .null
        case .string, .keyString: .string(try text(field.bytes))
        case .integer: .integer(Int64(bitPattern: field.bits))
        case .float: .float(Double(bitPattern: field.bits))
        case .no: .boolean(false)
        case .yes: .boolean(true)
        case .json: .json(try text(field.bytes))
        case .keyInteger:
            if let value = field.integer { .integer(value) } else { throw reader.corrupt("the key is no integer") }
        }
    }

    private func text(_ bytes: UnsafeRawBufferPointer) throws(StorageError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw reader.corrupt("invalid UTF-8") }
        return text
    }
}
