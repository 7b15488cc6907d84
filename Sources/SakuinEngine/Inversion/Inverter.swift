// Documents to one segment: a chunk is filled document by document, then sealed.
//
// 1. Each text field is analysed; its tokens become triples. Values go to columns, keys to the key table, the document
//    as it came to the document store.
// 2. Sealing sorts each kind's triples by key, field after field, and writes the lists in that order; words are
//    numbered as they appear and written in byte order.

/// A removal by key, with the ordinal of its operation.
struct KeyDeletion: Sendable {
    var ordinal: UInt64
    var key: [UInt8]
}

final class Inverter {
    private let registry: FieldRegistry
    private let analyzers: [Analyzer?]
    private let fields: [FieldSlot?]
    private let scratch = UnitBuffer()
    private let stamps = CharacterStamps()
    private var keys = KeyTableWriter()
    private var columns = ColumnSetWriter()
    private var documents: DocumentStoreWriter
    private var trimmed = ByteWriter()
    private var ordinals: [UInt64] = []
    private var meta = SegmentMeta()
    private let storesAll: Bool

    init(registry: FieldRegistry) {
        self.registry = registry
        let schema = registry.schema
        analyzers = schema.fields.map { field in
            switch field.type {
            case .text: Analyzer(kind: field.analyzer, breaks: field.breaks)
            case .keyword: Analyzer(kind: .keyword, breaks: .soft)
            case .integer, .float, .boolean, .date: nil
            }
        }
        fields = analyzers.map { [stamps] in $0 == nil ? nil : FieldSlot(stamps: stamps) }
        documents = DocumentStoreWriter(high: false)
        storesAll = schema.fields.allSatisfy(\.stored)
    }

    var isEmpty: Bool { ordinals.isEmpty }

    /// Memory of the chunk with what sealing it will need besides.
    var byteCount: Int {
        var triples = 0
        var largest = 0
        for case let slot? in fields {
            triples += slot.inverter.tripleByteCount
            largest = max(largest, slot.inverter.sortByteCount)
        }
        return triples + largest + documents.byteCount + ordinals.count * 32
    }

    /// Adds an encoded document.
    func add(_ body: UnsafeRawBufferPointer, ordinal: UInt64, sequence: UInt64) throws(StorageError) {
        let document = UInt32(ordinals.count)
        var reader = try EncodedDocumentReader(body)
        keys.add(reader.key)
        ordinals.append(ordinal)
        if meta.firstSequence == 0 { meta.firstSequence = sequence }
        meta.lastSequence = sequence
        while let field = try reader.next() { try add(field, of: document) }
        if storesAll {
            try addKeyless(body)
        } else {
            try addTrimmed(body)
        }
    }

    private func add(_ field: EncodedField, of document: UInt32) throws(StorageError) {
        let schema = registry.schema
        guard field.number < schema.fields.count else {
            if schema.dynamic { addDynamicColumn(field, of: document) }
            return
        }
        let definition = schema.fields[field.number]
        switch definition.type {
        case .text, .keyword:
            guard field.kind == .string || field.kind == .keyString || field.kind == .keyInteger else { return }
            try invert(field.number, field.bytes, document)
            if definition.type == .keyword { columns.add(keyword: field.bytes, field: field.number, document) }
        case .integer:
            if let value = field.integer { columns.add(value, .integer, field: field.number, document) }
        case .float:
            if let value = field.double { columns.add(float: value, field: field.number, document) }
        case .boolean:
            if let value = field.boolean { columns.add(value ? 1 : 0, .boolean, field: field.number, document) }
        case .date:
            if let value = DateText.milliseconds(field.bytes) {
                columns.add(value, .date, field: field.number, document)
            }
        }
    }

    /// Numbers, booleans and dates of fields outside the schema get columns too.
    private func addDynamicColumn(_ field: EncodedField, of document: UInt32) {
        switch field.kind {
        case .integer:
            if let value = field.integer { columns.add(value, .integer, field: field.number, document) }
        case .float:
            if let value = field.double { columns.add(float: value, field: field.number, document) }
        case .no, .yes: columns.add(field.kind == .yes ? 1 : 0, .boolean, field: field.number, document)
        case .string:
            if let value = DateText.milliseconds(field.bytes) {
                columns.add(value, .date, field: field.number, document)
            }
        case .null, .json, .keyString, .keyInteger: break
        }
    }

    private func invert(_ number: Int, _ text: UnsafeRawBufferPointer, _ document: UInt32) throws(StorageError) {
        guard let analyzer = analyzers[number], let slot = fields[number] else { return }
        let utf8 = text.assumingMemoryBound(to: UInt8.self)
        slot.inverter.begin(document)
        do throws(TextError) {
            slot.inverter.end(nextPosition: try slot.inverter.index(utf8, analyzer, scratch))
        } catch {
            throw .corrupt(file: "document", offset: 0, reason: "invalid UTF-8 in field \(number)")
        }
        if registry.schema.fields[number].type == .text { meta.textByteCount += text.count }
    }

    /// Stores the document without the fields that are not stored.
    private func addTrimmed(_ body: UnsafeRawBufferPointer) throws(StorageError) {
        let schema = registry.schema
        trimmed.removeAll()
        try EncodedDocumentReader.copy(body, into: &trimmed) { number in
            number >= schema.fields.count || schema.fields[number].stored
        }
        try trimmed.withBytes { (bytes) throws(StorageError) in try addKeyless(bytes) }
    }

    /// Stores the document without its key, which the key table has.
    private func addKeyless(_ body: UnsafeRawBufferPointer) throws(StorageError) {
        let keyEnd = try EncodedDocumentReader.keyEnd(body)
        documents.add(UnsafeRawBufferPointer(rebasing: body[keyEnd...]))
    }

    /// Writes the chunk to a segment file and forgets it; nil when there is nothing. Without `keepsMemory` the room of
    /// the chunk is given back.
    func seal(_ directory: any Directory, id: UInt64, keepsMemory: Bool) throws(StorageError) -> SealedSegment? {
        if isEmpty { return nil }
        let name = FileName.segment(id)
        let count = ordinals.count
        var terms = TermSections(directory: directory, name: "temporary-\(name)", documentCount: count)
        meta.documentCount = count
        meta.analyzerVersion = Analyzer.version
        meta.tableVersion = CharacterTable.version
        meta.fieldNames = registry.names
        meta.fields = []
        var norms: [(field: Int, codes: [UInt8])] = []
        var sortScratch = PostingTriples()
        for (i, slot) in fields.enumerated() {
            meta.fields.append(slot?.inverter.statistics ?? FieldStatistics())
            guard let slot else { continue }
            try slot.inverter.write(field: i, documentCount: count, to: &terms, &sortScratch)
            norms.append((i, slot.inverter.norms.array()))
        }
        for (i, slot) in fields.enumerated() { try slot?.inverter.writeWords(field: i, to: &terms, &sortScratch) }
        var file = try SegmentFileWriter(try directory.create(name))
        try terms.finish(to: &file)
        try appendOthers(to: &file, norms)
        let (bytes, checksum) = try file.finish(meta)
        let sealed = SealedSegment(
            id: id, byteCount: bytes, checksum: checksum, ordinals: ordinals, keyHashes: keys.hashes)
        reset(keepsMemory: keepsMemory)
        return sealed
    }

    private func appendOthers(
        to file: inout SegmentFileWriter, _ norms: [(field: Int, codes: [UInt8])]
    ) throws(StorageError) {
        var section = SectionWriter(directory: nil, name: "")
        NormsSection.write(norms, documentCount: ordinals.count, into: &section.buffer)
        try file.append(.norms, &section)
        section.buffer.removeAll()
        documents.finish(into: &section.buffer)
        try file.append(.documents, &section)
        section.buffer.removeAll()
        keys.finish(into: &section.buffer)
        try file.append(.keys, &section)
        section.buffer.removeAll()
        columns.finish(documentCount: ordinals.count, into: &section.buffer)
        try file.append(.columns, &section)
    }

    private func reset(keepsMemory: Bool) {
        for case let slot? in fields {
            if keepsMemory { slot.inverter.removeAll() } else { slot.inverter = FieldInverter(stamps: stamps) }
        }
        keys = KeyTableWriter()
        columns = ColumnSetWriter()
        documents = DocumentStoreWriter(high: false)
        ordinals = []
        meta = SegmentMeta()
    }
}
