/// What a segment has by document, of several segments to one: stored documents, norms, keys, columns.
///
/// Stored blocks that are whole, living, LZ4 HC and of the chosen table are copied; others are read and compressed again.
struct DocumentMerger: Sendable {
    private let inputs: [MergeInput]
    private let norms: MergedNorms
    private let documentsInIndex: DocumentStore?
    private let shares: MemoryShares
    private let offsetMax: Int
    private let control: MergeControl

    /// `documentsInIndex` and `offsetMax` as `SegmentMerger` has them.
    init(
        _ inputs: [MergeInput], _ norms: MergedNorms, documentsInIndex: DocumentStore?, _ shares: MemoryShares,
        offsetMax: Int, _ control: MergeControl
    ) {
        self.inputs = inputs
        self.norms = norms
        self.documentsInIndex = documentsInIndex
        self.shares = shares
        self.offsetMax = offsetMax
        self.control = control
    }

    /// Writes the four sections.
    func merge(into file: inout SegmentFileWriter) throws(StorageError) {
        try appendDocuments(to: &file)
        try appendNorms(to: &file)
        try appendKeys(to: &file)
        try appendColumns(to: &file)
        for input in inputs { try control.didRead(input.byteCount(of: ["norms", "keys", "columns"])) }
    }

    private func appendNorms(to file: inout SegmentFileWriter) throws(StorageError) {
        var section = SectionWriter(directory: nil, name: "")
        NormsSection.write(norms.byField, documentCount: norms.documentCount, into: &section.buffer)
        try file.append(.norms, &section)
    }

    private func appendDocuments(to file: inout SegmentFileWriter) throws(StorageError) {
        let code = try StoredCodeChoice.choose(inputs, inIndex: documentsInIndex, shares)
        var writer = code.map { DocumentStoreWriter($0) } ?? DocumentStoreWriter(high: true)
        try file.append(.documents) { (sink) throws(StorageError) in
            for input in inputs {
                let store = input.segment.documents
                let sharesCode = try store.code() == code && (code != nil || store.table == nil)
                var cache = DocumentBlockCache()
                for number in 0..<store.blockCount {
                    let block = try store.block(number)
                    try control.didRead(block.lengths.count + block.stored.count)
                    try append(block, number, of: input, sharesCode: sharesCode, to: &writer, &cache)
                    try writer.drain { (bytes) throws(StorageError) in try sink.write(bytes) }
                }
            }
            var rest = ByteWriter()
            writer.finish(into: &rest)
            try rest.withBytes { (bytes) throws(StorageError) in try sink.write(bytes) }
        }
    }

    private func append(
        _ block: DocumentStore.Block, _ number: Int, of input: MergeInput, sharesCode: Bool,
        to writer: inout DocumentStoreWriter, _ cache: inout DocumentBlockCache
    ) throws(StorageError) {
        let store = input.segment.documents
        guard sharesCode else {
            try store.forEachStored(inBlock: number, &cache) { (document, bytes) throws(StorageError) in
                if input.remap?[Int(document)] != .max { writer.add(bytes) }
            }
            return
        }
        let documents = block.firstDocument..<(block.firstDocument + block.documentCount)
        if block.isHigh, writer.canCopy, input.allLive(documents) {
            writer.copy(block)
            return
        }
        try store.forEachCoded(inBlock: number, &cache) { (document, bytes) throws(StorageError) in
            if input.remap?[Int(document)] != .max { writer.add(coded: bytes) }
        }
    }

    private func appendKeys(to file: inout SegmentFileWriter) throws(StorageError) {
        var section = SectionWriter(directory: nil, name: "")
        var writer = KeyTableWriter(offsetMax: offsetMax)
        for input in inputs {
            try input.segment.keys.forEach { (document, key) throws(StorageError) in
                if input.remap?[Int(document)] != .max { writer.add(key) }
            }
            try control.check()
        }
        try writer.finish(into: &section.buffer)
        try file.append(.keys, &section)
    }

    private func appendColumns(to file: inout SegmentFileWriter) throws(StorageError) {
        var section = SectionWriter(directory: nil, name: "")
        var writer = ColumnSetWriter(offsetMax: offsetMax)
        for input in inputs {
            for entry in input.segment.columns.entries {
                let column = try input.segment.columns.column(entry)
                if let lists = column.lists {
                    try Self.append(column, lists, entry.field, of: input, to: &writer)
                } else {
                    Self.append(column, entry.field, of: input, to: &writer)
                }
                try control.check()
            }
        }
        try writer.finish(documentCount: norms.documentCount, into: &section.buffer)
        try file.append(.columns, &section)
    }

    /// The values of living documents.
    private static func append(
        _ column: Column, _ field: Int, of input: MergeInput, to writer: inout ColumnSetWriter
    ) {
        for document in 0..<UInt32(input.segment.meta.documentCount) {
            guard let value = column.value(document), let mapped = input.mapped(document) else { continue }
            if column.kind == .keyword {
                writer.add(keyword: column.string(value), field: field, mapped)
            } else {
                writer.add(value, column.kind, field: field, mapped)
            }
        }
    }

    private static func append(
        _ column: Column, _ lists: KeywordLists, _ field: Int, of input: MergeInput, to writer: inout ColumnSetWriter
    ) throws(StorageError) {
        for document in 0..<UInt32(input.segment.meta.documentCount) {
            guard let mapped = input.mapped(document), let list = try column.list(of: document, lists) else { continue }
            var keywords: [[UInt8]] = []
            for at in list { keywords.append(column.string(try lists.rank(at))) }
            writer.add(keywords: keywords, field: field, mapped)
        }
    }
}

/// The length codes of the documents of a merge, by field.
///
/// `@unchecked Sendable`: nothing changes after `init`, and the memory is there as long as the object.
final class MergedNorms: @unchecked Sendable {
    let documentCount: Int
    private let fields: [Int]
    private let codes: UnsafeMutablePointer<UInt8>

    init(_ inputs: [MergeInput]) throws(StorageError) {
        documentCount = inputs.reduce(0) { $0 + $1.liveCount }
        fields = Set(inputs.flatMap(\.segment.textFields)).sorted()
        codes = .allocate(capacity: max(1, fields.count * documentCount))
        codes.initialize(repeating: 0, count: max(1, fields.count * documentCount))
        var to = codes
        for field in fields {
            for input in inputs {
                let known = try input.segment.norms(field)
                for document in 0..<input.segment.meta.documentCount where input.remap?[document] != .max {
                    to.pointee = known?[document] ?? 0
                    to += 1
                }
            }
        }
    }

    deinit { codes.deallocate() }

    var byField: [(field: Int, codes: [UInt8])] {
        fields.enumerated().map { place, field in
            (field, Array(UnsafeBufferPointer(start: codes + place * documentCount, count: documentCount)))
        }
    }

    /// By field; read while the object is there.
    func lengths(_ meta: SegmentMeta) -> [Int: FieldLengths] {
        var lengths: [Int: FieldLengths] = [:]
        for (place, field) in fields.enumerated() where field < meta.fields.count {
            lengths[field] = FieldLengths(
                norms: codes + place * documentCount, documentCount: meta.fields[field].documentCount,
                lengthSum: meta.fields[field].lengthSum)
        }
        return lengths
    }
}
