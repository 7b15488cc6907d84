// Many segments to one: documents of the inputs one after another, dead ones left out.
//
// 1. Documents get their new numbers; norms are laid one behind the other.
// 2. What there is by document is written in the new order (`DocumentMerger`), on another thread if it may be.
// 3. Terms: the dictionaries are walked together, lists remapped and packed anew (`TermMerger`). Postings go straight to the
//    file; beside another thread to one of their own until that is done.
// 4. Promoted grams are found anew, from the bigrams of the inputs (`MergedPromotion`).

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

    /// Writes the merged segment; nil when no document lives. `withHelper`: another thread, which begins with this one's
    /// priority, writes what there is by document while this one merges terms, then reads lists ahead for promoted grams.
    func run(id: UInt64, withHelper: Bool = false) throws(StorageError) -> SealedSegment? {
        if documentCount == 0 { return nil }
        guard documentCount <= SegmentLayout.documentCountMax else {
            throw .corrupt(file: "merge", offset: 0, reason: "\(documentCount) documents are too many for a segment")
        }
        let name = FileName.segment(id)
        do throws(StorageError) {
            let (byteCount, checksum) = try write(name, withHelper: withHelper)
            return SealedSegment(id: id, byteCount: byteCount, checksum: checksum, ordinals: [], keyHashes: [])
        } catch {
            try? directory.remove(name)
            for section in ["grams", "words", "postings", "positions", "promoted", "promotedPostings"] {
                try? directory.remove(FileName.temporary(name) + "-" + section)
            }
            throw error
        }
    }

    private func write(_ name: String, withHelper: Bool) throws(StorageError) -> (byteCount: Int, checksum: UInt32) {
        let file = MergedFile(try SegmentFileWriter(BudgetedFile(try directory.create(name), control)))
        // Stops the one half of the work when the other fails.
        let control = MergeControl(of: control)
        let norms = try MergedNorms(inputs)
        defer { withExtendedLifetime(norms) {} }
        let meta = meta(registry.names)
        let lengths = norms.lengths(meta)
        let documents = DocumentMerger(
            inputs, norms, documentsInIndex: documentsInIndex, shares, offsetMax: offsetMax, control)
        let frequent: FrequentGrams
        if withHelper {
            frequent = try mergeBeside(documents, name, lengths, in: file, control)
        } else {
            try documents.merge(into: &file.writer)
            var terms = terms(name, postingsIn: try file.writer.begin(.postings), control)
            try merge(into: &terms, lengths, control)
            try terms.finish(to: &file.writer)
            frequent = terms.frequent
        }
        try appendPromoted(name, frequent, lengths, to: &file.writer, withHelper: withHelper)
        return try file.writer.finish(meta)
    }

    /// Merges terms, to files of their own, while another thread writes what there is by document.
    private func mergeBeside(
        _ documents: DocumentMerger, _ name: String, _ lengths: [Int: FieldLengths], in file: MergedFile,
        _ control: MergeControl
    ) throws(StorageError) -> FrequentGrams {
        let beside = WorkAhead { () throws(StorageError) in
            do throws(StorageError) { try documents.merge(into: &file.writer) } catch {
                control.cancel()
                throw error
            }
        }
        var terms = terms(name, postingsIn: nil, control)
        do throws(StorageError) { try merge(into: &terms, lengths, control) } catch {
            control.cancel()
            // What went wrong there stopped this one.
            if error == .cancelled { try beside.result() }
            throw error
        }
        try beside.result()
        try terms.finish(to: &file.writer)
        return terms.frequent
    }

    private func terms(_ name: String, postingsIn sink: SectionSink?, _ control: MergeControl) -> TermSections {
        TermSections(
            directory: BudgetedPlace(directory, control), name: FileName.temporary(name), postingsIn: sink,
            documentCount: documentCount, hasLinks: hasLinks, spillByteCount: shares.spillByteCount,
            promotion: registry.promotion)
    }

    private func merge(
        into terms: inout TermSections, _ lengths: [Int: FieldLengths], _ control: MergeControl
    ) throws(StorageError) {
        let hasAllEdges = Analyzer.hasEdges(version: analyzerVersion)
        var merger = TermMerger(inputs, control) { [registry] in hasAllEdges || registry.hasEdges($0) }
        try merger.merge(into: &terms, lengths: lengths)
        for input in inputs { try control.didRead(input.byteCount(of: ["grams", "words"])) }
    }

    /// The most places of a window: each costs a look into the lists of all frequent bigrams.
    private static let windowPlaceCountMax = 1 << 22

    /// Writes the promoted grams, in the memory that the counts of pairs had.
    private func appendPromoted(
        _ name: String, _ frequent: FrequentGrams, _ lengths: [Int: FieldLengths], to file: inout SegmentFileWriter,
        withHelper: Bool
    ) throws(StorageError) {
        if frequent.fields.isEmpty { return }
        var sections = PromotedSections(
            directory: BudgetedPlace(directory, control), name: FileName.temporary(name),
            documentCount: documentCount, spillByteCount: shares.spillByteCount)
        let limits = PromotionLimits(
            byteCountMax: shares.pairByteCount, windowPlaceCountMax: Self.windowPlaceCountMax,
            placeByteCount: hasLinks ? LinkedWindow.placeByteCount : GramWindow.placeByteCount)
        try MergedPromotion(inputs, hasLinks: hasLinks, control, frequent, withHelper: withHelper).write(
            to: &sections, lengths: lengths, documentCount: documentCount, registry.promotion, limits)
        try sections.finish(to: &file)
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

/// The file of a merged segment.
///
/// `@unchecked Sendable`: one thread at a time has the writer, first the one that writes what there is by document, then, when
/// that has ended, the one that merges.
private final class MergedFile: @unchecked Sendable {
    var writer: SegmentFileWriter

    init(_ writer: consuming SegmentFileWriter) { self.writer = writer }
}
