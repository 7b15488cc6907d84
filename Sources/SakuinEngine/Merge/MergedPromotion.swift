// The promoted grams of a merged segment, from where the frequent bigrams stand in the inputs. What was promoted in the
// inputs is not used: with documents gone and others beside them other grams are frequent.

struct MergedPromotion: GramWindowSource {
    private let inputs: [MergeInput]
    /// Whether the bigrams of the inputs have links, not positions.
    private let hasLinks: Bool
    private let control: MergeControl
    private let frequent: FrequentGrams
    private let withHelper: Bool

    /// `frequent` are the frequent bigrams of the merged segment. `withHelper`: another thread may read lists ahead.
    init(
        _ inputs: [MergeInput], hasLinks: Bool, _ control: MergeControl, _ frequent: FrequentGrams, withHelper: Bool
    ) {
        self.withHelper = withHelper
        self.inputs = inputs
        self.hasLinks = hasLinks
        self.control = control
        self.frequent = frequent
    }

    /// `lengths` are those of the merged segment by field.
    func write(
        to sections: inout PromotedSections, lengths: [Int: FieldLengths], documentCount: Int, _ rule: PromotionRule,
        _ limits: PromotionLimits
    ) throws(StorageError) {
        for field in frequent.fields {
            guard let lengths = lengths[field] else { continue }
            let pass = PromotionPass(
                field: field, frequent, lengths, documentCount: documentCount, rule, limits)
            try pass.write(to: &sections, self)
        }
    }

    func forEachWindow(
        of pass: PromotionPass, wanted: [Bool], level: GramLevelSlot?, _ body: (borrowing GramWindow) -> [Bool]?
    ) throws(StorageError) {
        let linked = LinkedWindowSlot(LinkedWindow(pass.bigrams))
        try pass.forEachWindow(
            wanted: wanted, level: level, withHelper: withHelper,
            fill: { (window, wanted) throws(StorageError) in
                linked.window.removeAll()
                for input in inputs { try fill(window, linked, from: input, pass, wanted) }
                guard linked.window.fill(window) else {
                    throw inputs[0].segment.postings.corrupt(0, "more bigrams than a document has characters")
                }
            }, body)
    }

    /// The buffers are given back after so many lists.
    private static let listsPerScratch = 32
    /// The control is told what was read after so many lists.
    private static let listsPerReport = 512

    /// Puts the frequent bigrams of an input's documents into the window.
    private func fill(
        _ window: borrowing GramWindow, _ linked: LinkedWindowSlot, from input: MergeInput, _ pass: PromotionPass,
        _ wanted: [Bool]
    ) throws(StorageError) {
        let first = Int(input.firstDocument)
        let merged = window.documents.clamped(to: first..<(first + input.liveCount))
        guard !merged.isEmpty, let from = input.document(at: merged.lowerBound - first) else { return }
        let lengths = try input.segment.lengths(pass.field)
        let share = Double(merged.count) / Double(max(input.segment.meta.documentCount, 1))
        var memory = ScratchMemory()
        var byteCount = 0.0
        for number in wanted.indices where wanted[number] {
            if number % Self.listsPerScratch == 0 { memory = ScratchMemory() }
            if number % Self.listsPerReport == 0 {
                try control.didRead(Int(byteCount))
                byteCount = 0
            }
            let characters = pass.bigrams.characters(of: number)
            guard let first = characters.first, let second = characters.last else { continue }
            let key = GramKey.make(field: pass.field, kind: .bigram, first, second)
            guard let info = try input.segment.grams.find(key) else { continue }
            if info.documentFrequency > 1 {
                byteCount += share * Double(info.postingsByteCount + info.positionsByteCount)
            }
            let source = input.segment.postingSource
            let character = info.isRanked ? try input.segment.grams.find(GramKey.character(of: key)) : nil
            let cursor = try PostingCursor(info, source, character: character, lengths, memory.scratch)
            try put(UInt32(truncatingIfNeeded: number), cursor, from: from, input, window, &linked.window)
        }
        try control.didRead(Int(byteCount))
    }

    /// Puts a bigram where its list says, from the input's document `from` to the end of the window.
    private func put(
        _ number: UInt32, _ cursor: PostingCursor, from: UInt32, _ input: MergeInput, _ window: borrowing GramWindow,
        _ linked: inout LinkedWindow
    ) throws(StorageError) {
        let first = UInt32(truncatingIfNeeded: window.documents.lowerBound)
        let end = UInt32(truncatingIfNeeded: window.documents.upperBound)
        let occurrences = PositionBuffer(cursor.scratch)
        var isThere = try cursor.seek(from)
        while isThere {
            for place in cursor.index..<cursor.count {
                guard let document = input.mapped(cursor.documents[place]) else { continue }
                if document >= end { return }
                occurrences.removeAll()
                try cursor.appendOccurrences(of: place, to: occurrences)
                let values = occurrences.values
                if hasLinks {
                    for i in stride(from: 0, to: occurrences.count, by: 2) {
                        linked.add(number, document: document &- first, left: values[i], right: values[i + 1])
                    }
                } else {
                    var isSound = true
                    for i in 0..<occurrences.count { isSound = window.put(number, document, values[i]) && isSound }
                    guard isSound else { throw cursor.corrupt("a position behind its document") }
                }
            }
            isThere = try cursor.loadNext()
        }
    }
}
