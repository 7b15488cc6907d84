// The chunks of one lane or of several to one segment: the documents of the first, then those of the next.
//
// 1. `init`: documents get their numbers; the characters of all fields are cut into parts of about the same work.
// 2. `write(part:)`, on a thread for each: the grams of a part go to sections of its own; words are the last part's. The
//    postings of the only part go straight to the file, behind the documents.
// 3. `finish`: the parts one behind the other, then all other sections.

final class ChunkSealing {
    /// The sections of a part, which cannot stand in an array themselves.
    private final class Part {
        var pieces: [GramSealing.Piece] = []
        var terms: TermSections?

        func appendFrequent(to frequent: inout FrequentGrams) {
            if let more = terms?.frequent { frequent.append(more) }
        }
    }

    private let chunks: [Inverter]
    private let registry: FieldRegistry
    private let documentBases: [UInt32]
    private let documentCount: Int
    /// By field number; nil for fields that are not inverted.
    private let fields: [FieldSealing?]
    private let parts: [Part]
    /// Once documents are in it.
    private var file: SegmentFileWriter?
    /// A helper reads streams until it is gone.
    private var ahead: FieldPromotion?

    /// About how many words the streams of a piece have.
    static let pieceWordCount = 32 << 10

    /// The chunks stay as they are until it is done.
    init(
        _ chunks: [Inverter], _ registry: FieldRegistry, partCount: Int,
        pieceWordCount: Int = ChunkSealing.pieceWordCount
    ) {
        self.chunks = chunks
        self.registry = registry
        var bases: [UInt32] = []
        var count = 0
        for chunk in chunks {
            bases.append(UInt32(count))
            count += chunk.ordinals.count
        }
        documentBases = bases
        documentCount = count
        fields = registry.schema.fields.indices.map { field in
            let slots = chunks.compactMap { $0.fields[field] }
            return slots.isEmpty
                ? nil
                : FieldSealing(
                    field, slots, documentBases: bases, documentCount: count,
                    hasLinks: registry.hasLinks, hasEdges: registry.hasEdges(field))
        }
        parts = (0..<partCount).map { _ in Part() }
        cut(pieceWordCount)
    }

    /// Gives each part consecutive characters of about the same weight, in pieces.
    private func cut(_ pieceWordCount: Int) {
        let weights = fields.map { $0?.weights ?? [] }
        let share = weights.joined().reduce(0, +) / parts.count + 1
        var (part, taken) = (0, 0)
        for (field, weights) in weights.enumerated() {
            var piece = GramSealing.Piece(field: field, ranks: 0..<0, wordCount: 0)
            for (rank, weight) in weights.enumerated() {
                taken += weight
                piece.ranks = piece.ranks.lowerBound..<(rank + 1)
                piece.wordCount += weight
                let endsPart = taken >= share * (part + 1) && part + 1 < parts.count
                guard endsPart || piece.wordCount >= pieceWordCount || rank == weights.count - 1 else { continue }
                parts[part].pieces.append(piece)
                piece = GramSealing.Piece(field: field, ranks: (rank + 1)..<(rank + 1), wordCount: 0)
                part += endsPart ? 1 : 0
            }
        }
    }

    private func name(_ id: UInt64, _ part: Int) -> String { FileName.temporary("\(FileName.segment(id))-\(part)") }

    /// Writes the grams of a part, with the help of another thread if it may; each part once, on any thread.
    func write(
        part number: Int, to directory: any Directory, id: UInt64, withHelper: Bool = false
    ) throws(StorageError) {
        var sink: SectionSink?
        if parts.count == 1 {
            file = try begin(directory, id)
            sink = try file?.begin(.postings)
        }
        var terms = TermSections(
            directory: directory, name: name(id, number), postingsIn: sink, documentCount: documentCount,
            hasLinks: registry.hasLinks, spillByteCount: chunks[0].spillByteCount, promotion: registry.promotion)
        let grams = GramSealing(
            parts[number].pieces, fields, documentCount: documentCount, hasLinks: registry.hasLinks,
            openWordCountMax: chunks[0].openWordCountMax)
        try grams.write(to: &terms, withHelper: withHelper)
        if withHelper, parts.count == 1 { promoteAhead(terms.frequent) }
        do throws(StorageError) {
            if number == parts.count - 1 {
                for field in fields { try field?.writeWords(to: &terms) }
            }
        } catch {
            ahead = nil
            throw error
        }
        parts[number].terms = consume terms
    }

    /// Writes the segment, when all parts are written, with the help of others if it may.
    func finish(
        _ directory: any Directory, id: UInt64, withHelper: Bool = false
    ) throws(StorageError) -> SealedSegment {
        defer { ahead = nil }
        let frequent = frequent
        if withHelper, ahead == nil { promoteAhead(frequent) }
        var file: SegmentFileWriter
        if let begun = self.file.take() { file = begun } else { file = try begin(directory, id) }
        try appendTerms(to: &file)
        var section = SectionWriter(directory: nil, name: "")
        let norms = fields.compactMap { $0 }.map { (field: $0.field, codes: $0.lengthCodes) }
        NormsSection.write(norms, documentCount: documentCount, into: &section.buffer)
        try file.append(.norms, &section)
        let first = chunks[0]
        for chunk in chunks.dropFirst() { first.keys.append(chunk.keys) }
        section.buffer.removeAll()
        try first.keys.finish(into: &section.buffer)
        try file.append(.keys, &section)
        for (chunk, base) in zip(chunks, documentBases).dropFirst() { first.columns.append(chunk.columns, base) }
        section.buffer.removeAll()
        try first.columns.finish(documentCount: documentCount, into: &section.buffer)
        try file.append(.columns, &section)
        // Last, since others look for them meanwhile.
        for part in parts { part.terms = nil }
        try appendPromoted(frequent, to: &file, directory, id, withHelper: withHelper)
        let (bytes, checksum) = try file.finish(meta)
        return SealedSegment(
            id: id, byteCount: bytes, checksum: checksum, ordinals: chunks.flatMap(\.ordinals),
            keyHashes: first.keys.hashes)
    }

    /// Begins the file with the documents, those of the first chunk where they are.
    private func begin(_ directory: any Directory, _ id: UInt64) throws(StorageError) -> SegmentFileWriter {
        let first = chunks[0]
        first.endDocuments()
        var file = try first.documentSection.takeFile(directory, target: FileName.segment(id))
        try file.append(.documents) { (sink) throws(StorageError) in
            var index = ByteWriter()
            first.documents.appendIndex(to: &index, firstDocument: 0, offset: 0)
            for (chunk, base) in zip(chunks, documentBases).dropFirst() {
                chunk.endDocuments()
                chunk.documents.appendIndex(to: &index, firstDocument: Int(base), offset: sink.count)
                try chunk.documentSection.drain(to: sink)
            }
            DocumentStoreWriter.appendTrailer(
                tableByteCount: 0, dictionaryByteCount: 0, documentCount: documentCount,
                blockCount: index.count / DocumentStoreWriter.indexStride, to: &index)
            try index.withBytes { (bytes) throws(StorageError) in try sink.write(bytes) }
        }
        return file
    }

    private func appendTerms(to file: inout SegmentFileWriter) throws(StorageError) {
        var index = TermIndex()
        try file.append(.postings) { (sink) throws(StorageError) in
            for part in parts { try part.terms?.drainPostings(to: sink) }
        }
        try file.append(.grams) { (sink) throws(StorageError) in
            for part in parts { try part.terms?.drainGrams(to: sink, &index) }
            try index.appendGrams(to: sink)
        }
        try file.append(.words) { (sink) throws(StorageError) in
            for part in parts { try part.terms?.drainWords(to: sink) }
            try index.appendWords(to: sink)
        }
        try file.append(.positions) { (sink) throws(StorageError) in
            for part in parts { try part.terms?.drainPositions(to: sink) }
        }
    }

    /// The frequent bigrams of all parts.
    private var frequent: FrequentGrams {
        var frequent = FrequentGrams(documentFrequencyMin: registry.promotion.thresholdMin)
        for part in parts { part.appendFrequent(to: &frequent) }
        return frequent
    }

    /// The most places of a window: what is put at places of one stays in the processor's cache.
    private static let windowPlaceCountMax = 1 << 18

    /// What promoting may take: the memory that the places of characters and the sections of terms had.
    private var promotionLimits: PromotionLimits {
        PromotionLimits(
            byteCountMax: chunks.reduce(4 * chunks[0].spillByteCount) { $0 + $1.placesByteCount },
            windowPlaceCountMax: Self.windowPlaceCountMax)
    }

    /// Begins to look for promoted grams of the field that has most bigrams, while words are written and the sections of
    /// terms go to the file.
    private func promoteAhead(_ frequent: FrequentGrams) {
        let largest = frequent.fields.max { frequent.postingCount(of: $0) < frequent.postingCount(of: $1) }
        guard let largest else { return }
        ahead = fields[largest]?.promotion(frequent, registry.promotion, promotionLimits, withHelper: true)
    }

    private func appendPromoted(
        _ frequent: FrequentGrams, to file: inout SegmentFileWriter, _ directory: any Directory, _ id: UInt64,
        withHelper: Bool
    ) throws(StorageError) {
        if frequent.fields.isEmpty { return }
        var sections = PromotedSections(
            directory: directory, name: FileName.temporary(FileName.segment(id)), documentCount: documentCount,
            spillByteCount: chunks[0].spillByteCount)
        for field in frequent.fields {
            let promotion =
                ahead?.field == field
                ? ahead
                : fields[field]?.promotion(frequent, registry.promotion, promotionLimits, withHelper: withHelper)
            try promotion?.write(to: &sections)
        }
        ahead = nil
        try sections.finish(to: &file)
    }

    private var meta: SegmentMeta {
        var meta = SegmentMeta()
        meta.documentCount = documentCount
        meta.analyzerVersion = registry.analyzerVersion
        meta.tableVersion = CharacterTable.version
        meta.fieldNames = registry.names
        meta.fields = fields.map { $0?.statistics ?? FieldStatistics() }
        let known = chunks.map(\.meta).filter { $0.firstSequence > 0 }
        meta.firstSequence = known.map(\.firstSequence).min() ?? 0
        meta.lastSequence = known.map(\.lastSequence).max() ?? 0
        meta.textByteCount = chunks.reduce(0) { $0 + $1.meta.textByteCount }
        return meta
    }
}
