// Many segments to one: documents of the inputs one after another, dead ones left out.
//
// 1. Documents get their new numbers; norms are laid one behind the other.
// 2. Terms: the dictionaries are walked together, lists remapped and packed anew.
// 3. Promoted grams are found anew, from the bigrams of the inputs.
// 4. Stored blocks that are whole, living, LZ4 HC and of the chosen table are copied; others are read and compressed
//    again.
// 5. Keys and columns are written in the new order.

struct SegmentMerger {
    private let inputs: [MergeInput]
    private let directory: any Directory
    private let control: MergeControl
    private let documentCount: Int
    private let documentsInIndex: DocumentStore?
    private let shares: MemoryShares
    private let registry: FieldRegistry
    private let analyzerVersion: UInt32
    private let offsetMax: Int

    /// The inputs are of one analyzer version once they are merged (`Analyzer.merged`). `documentsInIndex` are those of the
    /// largest segment with a table, whether it is an input or not. `offsetMax` is what offsets of keys and of strings can
    /// say.
    init(
        _ inputs: [MergeInput], _ registry: FieldRegistry, directory: any Directory, _ control: MergeControl,
        _ shares: MemoryShares, documentsInIndex: DocumentStore? = nil, offsetMax: Int = Int(UInt32.max)
    ) {
        self.registry = registry
        analyzerVersion = Analyzer.merged(
            inputs.map(\.segment.meta.analyzerVersion).min() ?? 0, written: registry.analyzerVersion)
        self.offsetMax = offsetMax
        self.documentsInIndex = documentsInIndex
        self.shares = shares
        self.inputs = inputs
        self.directory = directory
        self.control = control
        documentCount = inputs.reduce(0) { $0 + $1.liveCount }
    }

    /// About what a merge of these takes.
    static func memoryByteCount(_ segments: [SegmentReader], _ shares: MemoryShares) -> Int {
        var limits = MergeLimits()
        limits.bufferByteCountMax = shares.mergeByteCount
        return segments.reduce(limits.bufferByteCount(segments.reduce(0) { $0 + $1.byteCount })) {
            $0 + memoryByteCount(of: $1)
        }
    }

    /// Of an input.
    static func termByteCounts(of segment: SegmentReader) -> TermByteCounts {
        var counts = TermByteCounts()
        for (name, byteCount) in segment.sectionSizes {
            switch name {
            case "grams": counts.grams = byteCount
            case "words": counts.words = byteCount
            case "postings": counts.postings = byteCount
            case "positions": counts.positions = byteCount
            case "promoted", "promotedPostings": counts.promoted += byteCount
            default: break
            }
        }
        return counts
    }

    /// The part of an input: numbers of its documents, length codes; then its keys in a table, in buckets and as a
    /// section, and the values of columns twice.
    static func memoryByteCount(of segment: SegmentReader) -> Int {
        let meta = segment.meta
        let keys = segment.sectionSizes.first { $0.name == "keys" }?.byteCount ?? 0
        let numbers = segment.columns.entries.reduce(0) { $0 + segment.columns.numberCountMax($1) }
        return 5 * keys / 2 + meta.documentCount * (16 + 3 * meta.fields.count) + 24 * numbers
    }

    /// Writes the merged segment; nil when no document lives.
    func run(id: UInt64) throws(StorageError) -> SealedSegment? {
        if documentCount == 0 { return nil }
        guard documentCount <= SegmentLayout.documentCountMax else {
            throw .corrupt(file: "merge", offset: 0, reason: "\(documentCount) documents are too many for a segment")
        }
        let name = FileName.segment(id)
        var file = try SegmentFileWriter(BudgetedFile(try directory.create(name), control))
        do throws(StorageError) {
            let norms = try mergedNorms()
            let start = norms.bytes.start.assumingMemoryBound(to: UInt8.self)
            let meta = meta(registry.names)
            let lengths = lengths(norms.offsets.mapValues { start + $0 }, meta)
            let frequent = try appendTerms(name, lengths, to: &file)
            try appendPromoted(name, frequent, lengths, to: &file)
            try tellRead(["grams", "words", "norms"])
            try appendNorms(norms, to: &file)
            try appendDocuments(to: &file)
            try appendKeys(to: &file)
            try appendColumns(to: &file)
            try tellRead(["keys", "columns"])
            let (byteCount, checksum) = try file.finish(meta)
            return SealedSegment(id: id, byteCount: byteCount, checksum: checksum, ordinals: [], keyHashes: [])
        } catch {
            try? directory.remove(name)
            for section in ["grams", "words", "positions", "promoted", "promotedPostings"] {
                try? directory.remove(FileName.temporary(name) + "-" + section)
            }
            throw error
        }
    }

    /// Returns the frequent bigrams.
    private func appendTerms(
        _ name: String, _ lengths: [Int: FieldLengths], to file: inout SegmentFileWriter
    ) throws(StorageError) -> FrequentGrams {
        var terms = TermSections(
            directory: BudgetedPlace(directory, control), name: FileName.temporary(name),
            postingsIn: try file.begin(.postings), documentCount: documentCount, hasLinks: hasLinks,
            spillByteCount: shares.spillByteCount, promotion: registry.promotion)
        let hasAllEdges = Analyzer.hasEdges(version: analyzerVersion)
        var merger = TermMerger(inputs, control) { [registry] in hasAllEdges || registry.hasEdges($0) }
        try merger.merge(into: &terms, lengths: lengths)
        try terms.finish(to: &file)
        return terms.frequent
    }

    /// The most places of a window: each costs a look into the lists of all frequent bigrams.
    private static let windowPlaceCountMax = 1 << 22

    /// Writes the promoted grams, in the memory that the counts of pairs are going to have.
    private func appendPromoted(
        _ name: String, _ frequent: FrequentGrams, _ lengths: [Int: FieldLengths], to file: inout SegmentFileWriter
    ) throws(StorageError) {
        if frequent.fields.isEmpty { return }
        var sections = PromotedSections(
            directory: BudgetedPlace(directory, control), name: FileName.temporary(name),
            documentCount: documentCount, spillByteCount: shares.spillByteCount)
        let limits = PromotionLimits(
            byteCountMax: shares.pairByteCount, windowPlaceCountMax: Self.windowPlaceCountMax,
            placeByteCount: hasLinks ? LinkedWindow.placeByteCount : GramWindow.placeByteCount)
        try MergedPromotion(inputs, hasLinks: hasLinks, control, frequent).write(
            to: &sections, lengths: lengths, documentCount: documentCount, registry.promotion, limits)
        try sections.finish(to: &file)
    }

    /// Tells that these sections were read as wholes.
    private func tellRead(_ sections: Set<String>) throws(StorageError) {
        for input in inputs {
            try control.didRead(
                input.segment.sectionSizes.reduce(0) { sections.contains($1.name) ? $0 + $1.byteCount : $0 })
        }
    }

    /// Length codes by field, one field behind the other, and where each begins.
    private struct Norms: ~Copyable {
        var bytes = ByteWriter()
        var offsets: [Int: Int] = [:]
    }

    private func mergedNorms() throws(StorageError) -> Norms {
        var norms = Norms()
        for field in Set(inputs.flatMap(\.segment.textFields)).sorted() {
            norms.offsets[field] = norms.bytes.count
            for input in inputs {
                let codes = try input.segment.norms(field)
                for document in 0..<input.segment.meta.documentCount where input.remap?[document] != .max {
                    norms.bytes.append(codes?[document] ?? 0)
                }
            }
        }
        return norms
    }

    private func lengths(_ norms: [Int: UnsafePointer<UInt8>], _ meta: SegmentMeta) -> [Int: FieldLengths] {
        var lengths: [Int: FieldLengths] = [:]
        for (field, codes) in norms where field < meta.fields.count {
            lengths[field] = FieldLengths(
                norms: codes, documentCount: meta.fields[field].documentCount,
                lengthSum: meta.fields[field].lengthSum)
        }
        return lengths
    }

    private func appendNorms(_ norms: borrowing Norms, to file: inout SegmentFileWriter) throws(StorageError) {
        var section = SectionWriter(directory: nil, name: "")
        let all = norms.bytes.array()
        let fields = norms.offsets.sorted { $0.key < $1.key }.map { field, offset in
            (field: field, codes: Array(all[offset..<(offset + documentCount)]))
        }
        NormsSection.write(fields, documentCount: documentCount, into: &section.buffer)
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
        try writer.finish(documentCount: documentCount, into: &section.buffer)
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

    private var hasLinks: Bool { Analyzer.hasLinks(version: analyzerVersion) }

    /// Statistics of fields keep counting dead documents' units in proportion, since lengths are only known in codes.
    private func meta(_ fieldNames: [String]) -> SegmentMeta {
        var meta = SegmentMeta()
        meta.documentCount = documentCount
        meta.analyzerVersion = analyzerVersion
        meta.tableVersion = inputs.map(\.segment.meta.tableVersion).min() ?? 0
        meta.firstSequence = inputs.map(\.segment.meta.firstSequence).min() ?? 0
        meta.lastSequence = inputs.map(\.segment.meta.lastSequence).max() ?? 0
        meta.fieldNames = fieldNames
        let fieldCount = inputs.map(\.segment.meta.fields.count).max() ?? 0
        meta.fields = Array(repeating: FieldStatistics(), count: fieldCount)
        for input in inputs {
            let share = Double(input.liveCount) / Double(max(input.segment.meta.documentCount, 1))
            meta.textByteCount += Int(Double(input.segment.meta.textByteCount) * share)
            for (i, field) in input.segment.meta.fields.enumerated() {
                let documents = Int((Double(field.documentCount) * share).rounded())
                meta.fields[i].documentCount = min(meta.fields[i].documentCount + documents, documentCount)
                meta.fields[i].lengthSum += Int((Double(field.lengthSum) * share).rounded())
            }
        }
        return meta
    }
}
