/// Operations to an encoded batch: values are checked against the schema here, so that nothing behind can fail on them.
struct BatchEncoder: ~Copyable {
    private let registry: FieldRegistry
    private var out: ByteWriter
    private var body = ByteWriter(capacity: 4096)
    private var scanner = JSONObjectScanner()
    private var visitor: DocumentVisitor
    private var operationCount = 0
    private(set) var rejections: [WriteReceipt.Rejection] = []

    /// The operations will have about so many bytes.
    private init(_ registry: FieldRegistry, byteCount: Int) {
        self.registry = registry
        out = ByteWriter(capacity: byteCount)
        visitor = DocumentVisitor(registry)
    }

    /// About how many bytes an operation takes.
    private static func byteCount(_ operation: WriteOperation) -> Int {
        switch operation {
        case .put: 256
        case .putJSON(let bytes, _): bytes.count + 8
        case .delete(let key): key.utf8.count + 8
        }
    }

    /// The batch; nil when every operation was rejected. Throws the first error when the whole batch goes with it.
    static func encode(
        _ batch: WriteBatch, _ registry: FieldRegistry
    ) throws(SakuinError) -> (batch: EncodedBatch?, rejections: [WriteReceipt.Rejection]) {
        guard batch.operations.count <= WriteBatch.operationCountMax else {
            throw .invalid(
                "A batch may have \(WriteBatch.operationCountMax) operations.", field: "operations",
                limit: WriteBatch.operationCountMax, value: batch.operations.count, nextStep: "Send several batches.")
        }
        try WriteBatch.check(idempotencyKey: batch.idempotencyKey)
        var encoder = BatchEncoder(registry, byteCount: batch.operations.reduce(0) { $0 + byteCount($1) })
        for (index, operation) in batch.operations.enumerated() {
            do throws(SakuinError) {
                try encoder.add(operation)
            } catch {
                if batch.rejection == .wholeBatch {
                    var located = error
                    if batch.operations.count > 1 { located.message = "Operation \(index): \(error.message)" }
                    throw located
                }
                encoder.visitor.discard()
                encoder.rejections.append(.init(index: index, error: error))
            }
        }
        return encoder.finish()
    }

    private consuming func finish() -> (batch: EncodedBatch?, rejections: [WriteReceipt.Rejection]) {
        if operationCount == 0 { return (nil, rejections) }
        return (EncodedBatch(operations: out, count: operationCount), rejections)
    }

    private mutating func add(_ operation: WriteOperation) throws(SakuinError) {
        body.removeAll()
        switch operation {
        case .put(let document):
            for field in document.fields { try visitor.add(field) }
            try visitor.finish(key: document.key, into: &body)
            append(.put)
        case .putJSON(let bytes, let keyField):
            try WriteBatch.check(keyField: keyField)
            visitor.keyField = Array(keyField.utf8)
            defer { visitor.keyField = nil }
            try bytes.withUnsafeBufferPointer { (bytes) throws(SakuinError) in
                try scanner.scan(bytes, visitor: &visitor)
            }
            try visitor.finish(key: nil, into: &body)
            append(.put)
        case .delete(let key):
            try DocumentVisitor.check(key: key)
            body.append(utf8: key)
            append(.delete)
        }
    }

    private mutating func append(_ kind: EncodedBatch.Kind) {
        body.withBytes { EncodedBatch.append(kind, $0, to: &out) }
        operationCount += 1
    }
}

/// Takes the members of one document and builds its encoded form.
struct DocumentVisitor: ~Copyable, JSONMemberVisitor {
    /// The member that is the key; nil when the key comes from elsewhere.
    var keyField: [UInt8]?

    private let registry: FieldRegistry
    private var builder = EncodedDocumentBuilder()
    private var key: [UInt8]?
    /// Names met before, with their numbers: documents of a batch mostly have the same.
    private var known: [(name: [UInt8], number: Int)] = []
    private var nextKnown = 0
    private var arrays = JSONArrayScanner()

    init(_ registry: FieldRegistry) { self.registry = registry }

    mutating func discard() {
        builder.discard()
        key = nil
        nextKnown = 0
    }

    private mutating func number(_ name: UnsafeBufferPointer<UInt8>) throws(SakuinError) -> Int {
        // Fields come in the same order document after document.
        for step in 0..<known.count {
            let at = (nextKnown + step) % known.count
            if known[at].name.count == name.count, known[at].name.elementsEqual(name) {
                nextKnown = at + 1
                return known[at].number
            }
        }
        let number = try registry.number(of: String(decoding: name, as: UTF8.self))
        known.append((Array(name), number))
        return number
    }

    mutating func member(name: UnsafeBufferPointer<UInt8>, value: JSONMember) throws(SakuinError) {
        let number = try number(name)
        if let keyField, keyField.elementsEqual(name) {
            try take(key: value, number)
            return
        }
        try check(value, number)
        switch value {
        case .null: builder.add(number, bare: .null)
        case .boolean(let value): builder.add(number, bare: value ? .yes : .no)
        case .integer(let value): builder.add(number, integer: value)
        case .float(let value): builder.add(number, float: value)
        case .string(let bytes): builder.add(number, string: UnsafeRawBufferPointer(bytes))
        case .json(let bytes): builder.add(number, json: UnsafeRawBufferPointer(bytes))
        }
    }

    private mutating func take(key value: JSONMember, _ number: Int) throws(SakuinError) {
        // As text and keyword a key may be a number too; another column would have no value of what is of another type.
        let fields = registry.schema.fields
        if number < fields.count, fields[number].type != .text, fields[number].type != .keyword {
            try check(value, number)
        }
        switch value {
        case .string(let bytes):
            key = Array(bytes)
            builder.add(number, bare: .keyString)
        case .integer(let value):
            key = Array(String(value).utf8)
            builder.add(number, bare: .keyInteger)
        case .null, .boolean, .float, .json:
            throw .invalid(
                "The key field '\(registry.names[number])' must hold a string or an integer.",
                field: registry.names[number])
        }
    }

    /// A field of a document of the model.
    mutating func add(_ field: Document.Field) throws(SakuinError) {
        let name = Array(field.name.utf8)
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(name.count, 1))
        defer { copy.deallocate() }
        _ = copy.initialize(from: name)
        let bytes = UnsafeBufferPointer(rebasing: copy[..<name.count])
        switch field.value {
        case .null: try member(name: bytes, value: .null)
        case .boolean(let value): try member(name: bytes, value: .boolean(value))
        case .integer(let value): try member(name: bytes, value: .integer(value))
        case .float(let value): try member(name: bytes, value: .float(value))
        case .string(let text):
            try withBytes(text) { (self, text) throws(SakuinError) in
                try self.member(name: bytes, value: .string(text))
            }
        case .json(let text):
            try withBytes(text) { (self, text) throws(SakuinError) in
                try self.member(name: bytes, value: .json(text))
            }
        }
    }

    private mutating func withBytes(
        _ text: String, _ body: (inout DocumentVisitor, UnsafeBufferPointer<UInt8>) throws(SakuinError) -> Void
    ) throws(SakuinError) {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(text.utf8.count, 1))
        defer { copy.deallocate() }
        _ = copy.initialize(from: text.utf8)
        try body(&self, UnsafeBufferPointer(rebasing: copy[..<text.utf8.count]))
    }

    /// What the schema says of the field must fit; fields outside take anything.
    private mutating func check(_ value: JSONMember, _ number: Int) throws(SakuinError) {
        let schema = registry.schema
        guard number < schema.fields.count else { return }
        let field = schema.fields[number]
        switch (field.type, value) {
        case (_, .null), (.text, .string), (.integer, .integer), (.float, .float), (.float, .integer),
            (.boolean, .boolean):
            return
        case (.keyword, .string(let bytes)): try field.check(keyword: bytes)
        case (.keyword, .json(let bytes)) where field.multiple && value.isArray: try check(values: bytes, of: field)
        case (.date, .string(let bytes)):
            guard DateText.milliseconds(UnsafeRawBufferPointer(bytes)) != nil else {
                throw .invalid(
                    "Field '\(field.name)' must hold a date such as 2023-11-09 or 2023-11-09T08:30:00Z.",
                    field: field.name, value: String(decoding: bytes.prefix(64), as: UTF8.self),
                    nextStep: "Write it so, or make the field a keyword.")
            }
        default:
            throw .invalid(
                "Field '\(field.name)' is of type \(field.type.rawValue) and cannot hold \(value.kindName).",
                field: field.name, value: value.kindName, nextStep: Self.whatToDo(with: value, for: field))
        }
    }

    /// The values of a field that takes several.
    private mutating func check(
        values bytes: UnsafeBufferPointer<UInt8>, of field: FieldDefinition
    ) throws(SakuinError) {
        var count = 0
        try arrays.scan(bytes) { (value) throws(SakuinError) in
            count += 1
            guard count <= FieldDefinition.valueCountMax else {
                throw .invalid(
                    "Keyword field '\(field.name)' takes \(FieldDefinition.valueCountMax) values a document.",
                    field: field.name, limit: FieldDefinition.valueCountMax, value: count,
                    nextStep: "Leave some out, or put them into several documents.")
            }
            guard case .string(let text) = value else {
                throw .invalid(
                    "Keyword field '\(field.name)' takes an array of strings, and value \(count) of it is \(value.kindName).",
                    field: field.name, value: value.kindName, nextStep: "Write it in quotes, or leave it out.")
            }
            try field.check(keyword: text)
        }
    }

    private static func whatToDo(with value: JSONMember, for field: FieldDefinition) -> String {
        switch (field.type, value) {
        case (.keyword, .json) where field.multiple: "Write a string, or an array of strings."
        case (.keyword, .json) where value.isArray:
            "It takes one value; a keyword field of which the schema says \"multiple\": true takes an array of strings."
        case (.text, .json) where value.isArray:
            "It takes one text: join the strings, with punctuation or a blank line between."
        case (_, .json) where value.isArray:
            "It takes one value; several are for keyword fields of which the schema says \"multiple\": true."
        case (_, .json): "A field of the schema takes one value; one that is in no schema stores any."
        case (.text, _), (.keyword, _): "Write it in quotes."
        case (.date, _): "Write a date such as 2023-11-09."
        case (_, .string): "Write it without quotes."
        case (.integer, .float): "Write an integer without a point, or make the field one of type float."
        default: "Make the field one of another type."
        }
    }

    static func check(key: String) throws(SakuinError) {
        if key.isEmpty || key.utf8.count > Document.keyByteCountMax {
            throw .invalid(
                "A key has 1 to \(Document.keyByteCountMax) bytes.", field: "key", limit: Document.keyByteCountMax,
                value: key.utf8.count)
        }
    }

    /// Appends the document and starts the next; `key` nil takes the one of the key field.
    mutating func finish(key given: String?, into out: inout ByteWriter) throws(SakuinError) {
        nextKnown = 0
        let key = given.map { Array($0.utf8) } ?? self.key
        self.key = nil
        guard let key else {
            let name = keyField.map { String(decoding: $0, as: UTF8.self) } ?? "key"
            throw .invalid(
                "The document has no key field '\(name)'.", field: name,
                nextStep: "Name the field that holds the key (--key).")
        }
        guard !key.isEmpty, key.count <= Document.keyByteCountMax else {
            throw .invalid(
                "A key has 1 to \(Document.keyByteCountMax) bytes.", field: "key", limit: Document.keyByteCountMax,
                value: key.count)
        }
        guard builder.byteCount <= Document.byteCountMax else {
            throw .invalid(
                "A document may have \(Document.byteCountMax) bytes.", field: "document",
                limit: Document.byteCountMax, value: builder.byteCount, nextStep: "Split it.")
        }
        var bytes = ByteWriter(capacity: key.count)
        key.withUnsafeBytes { bytes.append(bytes: $0) }
        builder.finish(key: UnsafeRawBufferPointer(start: bytes.start, count: bytes.count), into: &out)
    }
}

extension FieldDefinition {
    /// Longer values belong into a text field.
    static let keywordByteCountMax = 32 << 10

    fileprivate func check(keyword bytes: UnsafeBufferPointer<UInt8>) throws(SakuinError) {
        guard bytes.count <= Self.keywordByteCountMax else {
            throw .invalid(
                "Keyword field '\(name)' takes \(Self.keywordByteCountMax) bytes\(multiple ? " a value" : "").",
                field: name, limit: Self.keywordByteCountMax, value: bytes.count, nextStep: "Make it a text field.")
        }
    }
}

extension JSONMember {
    fileprivate var isArray: Bool {
        if case .json(let bytes) = self { bytes.first == UInt8(ascii: "[") } else { false }
    }

    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .float: "a number with a fraction"
        case .string: "a string"
        case .json(let bytes):
            isArray ? "an array" : bytes.first == UInt8(ascii: "{") ? "an object" : "an integer beyond 64 bits"
        }
    }
}
