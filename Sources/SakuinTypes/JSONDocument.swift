extension Document {
    /// A document out of a JSON object; the key is the string or integer in `keyField`, or `key` when that is given.
    /// Throws `invalidArgument` with what is wrong and where.
    public init(json: [UInt8], keyField: String?, key: String? = nil) throws(SakuinError) {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(json.count, 1))
        defer { copy.deallocate() }
        _ = copy.initialize(from: json)
        var gatherer = FieldGatherer()
        var scanner = JSONObjectScanner()
        try scanner.scan(UnsafeBufferPointer(rebasing: copy[..<json.count]), visitor: &gatherer)
        if let key {
            self.init(key: key, fields: gatherer.fields)
            return
        }
        let name = keyField ?? "id"
        switch gatherer.fields.first(where: { $0.name.hasSameBytes(as: name) })?.value {
        case .string(let text)?: self.init(key: text, fields: gatherer.fields)
        case .integer(let value)?: self.init(key: String(value), fields: gatherer.fields)
        default:
            throw .invalid(
                "The document has no string or integer in key field '\(name)'.", field: name,
                nextStep: "Name the field that holds the key.")
        }
    }

    /// The fields as a JSON object. With `keyField` the key is put first under that name unless a field has it.
    public func json(keyField: String? = nil) -> [UInt8] {
        var writer = JSONWriter()
        writer.append(raw: "{")
        var isFirst = true
        if let keyField, self[keyField] == nil {
            writer.append(string: keyField)
            writer.append(raw: ":")
            writer.append(string: key)
            isFirst = false
        }
        for field in fields {
            if !isFirst { writer.append(raw: ",") }
            isFirst = false
            writer.append(string: field.name)
            writer.append(raw: ":")
            writer.append(field.value)
        }
        writer.append(raw: "}")
        return writer.bytes
    }
}

/// Makes fields of the members of an object.
private struct FieldGatherer: JSONMemberVisitor {
    var fields: [Document.Field] = []

    mutating func member(name: UnsafeBufferPointer<UInt8>, value: JSONMember) throws(SakuinError) {
        let value: FieldValue =
            switch value {
            case .null: .null
            case .boolean(let value): .boolean(value)
            case .integer(let value): .integer(value)
            case .float(let value): .float(value)
            case .string(let bytes): .string(String(decoding: bytes, as: UTF8.self))
            case .json(let bytes): .json(String(decoding: bytes, as: UTF8.self))
            }
        fields.append(Document.Field(String(decoding: name, as: UTF8.self), value))
    }
}
