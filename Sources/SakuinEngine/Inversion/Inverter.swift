// Documents to one segment: a chunk is filled document by document, then sealed.
//
// 1. Each text field is analysed; its tokens go to streams by character and word. Values go to columns, keys to the key
//    table, the document as it came to the document store.
// 2. Sealing writes it, alone or with those of other lanes (`ChunkSealing`).

/// A removal by key, with the ordinal of its operation.
struct KeyDeletion: Sendable {
    var ordinal: UInt64
    var key: [UInt8]
}

final class Inverter {
    private let registry: FieldRegistry
    private let analyzers: [Analyzer?]
    /// By field number; nil for fields that are not inverted.
    let fields: [FieldSlot?]
    private let scratch = UnitBuffer()
    private var keywordReader = KeywordReader()
    private let arena: TokenArena
    var keys: KeyTableWriter
    var columns: ColumnSetWriter
    private(set) var documents: DocumentStoring
    /// Blocks of documents that are done.
    var documentSection: DocumentSection
    private let makeDocumentSection: () -> DocumentSection
    private var trimmed = ByteWriter()
    /// Of the operation that put each document.
    private(set) var ordinals: [UInt64] = []
    /// Sequence numbers and bytes of text so far.
    private(set) var meta = SegmentMeta()
    private let storesAll: Bool
    /// Of the sections it is sealed to.
    let spillByteCount: Int
    /// From so many bytes of streams on other threads store the documents and help to seal the chunk; nil: none does.
    private let helpedByteCountMin: Int?
    private let offsetMax: Int

    /// With a directory the documents of a large chunk go to the temporary file `spillName` of it, which may become that of
    /// the segment. `offsetMax` is what offsets of keys and of strings can say.
    init(
        registry: FieldRegistry, spillsTo directory: (any Directory)? = nil, spillName: String = "",
        spillByteCount: Int = SectionWriter.usualSpillByteCount, helpedByteCountMin: Int? = nil,
        offsetMax: Int = Int(UInt32.max)
    ) {
        self.offsetMax = offsetMax
        keys = KeyTableWriter(offsetMax: offsetMax)
        columns = ColumnSetWriter(offsetMax: offsetMax)
        self.registry = registry
        self.helpedByteCountMin = helpedByteCountMin
        arena = TokenArena(hasHelper: helpedByteCountMin != nil)
        self.spillByteCount = spillByteCount
        let schema = registry.schema
        analyzers = schema.fields.map { field in
            switch field.type {
            case .text:
                Analyzer(kind: field.analyzer, breaks: field.breaks, version: registry.analyzerVersion)
            case .keyword: Analyzer(kind: .keyword, breaks: .soft)
            case .integer, .float, .boolean, .date: nil
            }
        }
        fields = analyzers.map { [arena] in $0 == nil ? nil : FieldSlot(arena, hasLinks: registry.hasLinks) }
        documents = DocumentStoring(drainByteCount: min(spillByteCount, Self.documentByteCountMax))
        makeDocumentSection = {
            DocumentSection(directory: directory, name: FileName.temporary(spillName), spillByteCount: spillByteCount)
        }
        documentSection = makeDocumentSection()
        storesAll = schema.fields.allSatisfy(\.stored)
    }

    var isEmpty: Bool { ordinals.isEmpty }

    /// Memory of the chunk with what sealing it will need besides, its sections apart: the places of the most frequent
    /// character, keys and columns once more as sections.
    var byteCount: Int {
        let documents = documents.byteCount + documentSection.buffer.capacity
        let tables = ordinals.capacity * 8 + 2 * (keys.byteCount + columns.byteCount) + ordinals.count * 32
        return streamByteCount + placesByteCount + helperByteCount + documents + tables
    }

    private var streamByteCount: Int {
        fields.reduce(arena.byteCount) { $0 + ($1?.inverter.byteCount ?? 0) }
    }

    /// What sealing may take for the places of the most frequent character, and when its bigrams are written for promoted
    /// grams.
    var placesByteCount: Int { streamByteCount / 4 }

    /// Words of streams that may be coded at once when a segment is sealed, the most frequent character's apart.
    var openWordCountMax: Int { spillByteCount / 4 }
    private var isHelped: Bool { helpedByteCountMin.map { streamByteCount >= $0 } ?? false }
    /// What helpers take besides: places of another character and lists that wait to be written, then another window, and
    /// promoted grams while the sections of terms are still there. A word takes twelve bytes in order, and three of three
    /// that wait (`GramSealing`).
    private var helperByteCount: Int {
        helpedByteCountMin == nil ? 0 : min(placesByteCount, 22 * openWordCountMax)
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
        if definition.multiple { return try addKeywords(field, of: document) }
        switch definition.type {
        case .text, .keyword:
            guard field.isText else { return }
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
        guard slot.inverter.begin(document) else { return }
        do throws(TextError) {
            slot.inverter.end(nextPosition: try slot.inverter.index(utf8, analyzer, scratch))
        } catch {
            throw .corrupt(file: "document", offset: 0, reason: "invalid UTF-8 in field \(number)")
        }
        if registry.schema.fields[number].type == .text { meta.textByteCount += text.count }
    }

    /// The values of a keyword field that takes several.
    private func addKeywords(_ field: EncodedField, of document: UInt32) throws(StorageError) {
        let values = try keywordReader.values(of: field)
        guard !values.isEmpty, let analyzer = analyzers[field.number], let slot = fields[field.number],
            slot.inverter.begin(document)
        else { return }
        do throws(TextError) {
            slot.inverter.end(nextPosition: try slot.inverter.index(values: values, analyzer, scratch))
        } catch {
            throw .corrupt(file: "document", offset: 0, reason: "invalid UTF-8 in field \(field.number)")
        }
        columns.add(keywords: values, field: field.number, document)
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
        if !documents.hasAskedForHelp, isHelped { documents.askForHelp() }
        documents.add(UnsafeRawBufferPointer(rebasing: body[keyEnd...]), to: &documentSection.buffer)
        try documentSection.spillIfLarge()
    }

    /// More of the documents is handed on to their section.
    private static let documentByteCountMax = 1 << 20

    /// Brings the blocks that are left to `documentSection`.
    func endDocuments() { documents.end(to: &documentSection.buffer) }

    /// Writes the chunk to a segment file and forgets it, also when that fails: its documents may be in the file that could
    /// not be ended. nil when there is nothing. Without `keepsMemory` the room of the chunk is given back.
    func seal(_ directory: any Directory, id: UInt64, keepsMemory: Bool) throws(StorageError) -> SealedSegment? {
        if isEmpty { return nil }
        defer { removeAll(keepsMemory: keepsMemory) }
        let sealing = ChunkSealing([self], registry, partCount: 1)
        try sealing.write(part: 0, to: directory, id: id, withHelper: isHelped)
        return try sealing.finish(directory, id: id, withHelper: isHelped)
    }

    /// Forgets the chunk.
    func removeAll(keepsMemory: Bool) {
        for case let slot? in fields {
            if keepsMemory {
                slot.inverter.removeAll()
            } else {
                slot.inverter = FieldInverter(arena, hasLinks: registry.hasLinks)
            }
        }
        arena.removeAll(keepsMemory: keepsMemory)
        keys = KeyTableWriter(offsetMax: offsetMax)
        columns = ColumnSetWriter(offsetMax: offsetMax)
        documents = DocumentStoring(drainByteCount: min(spillByteCount, Self.documentByteCountMax))
        documentSection = makeDocumentSection()
        ordinals = []
        meta = SegmentMeta()
    }
}
