/// Adds the score of one leaf of the query to documents that match. Moves forward only, like a cursor, and has cursors
/// of its own: only documents that can still be among the best are scored.
final class Scorer {
    private enum Source {
        case term(PostingCursor)
        case phrase(PhraseChecker)
    }

    /// No document gets more from this leaf.
    let bound: Float
    private let source: Source
    private let weight: Float
    private let model: BM25
    private let norms: UnsafePointer<UInt8>

    init(term cursor: PostingCursor, weight: Float, model: BM25, norms: UnsafePointer<UInt8>) {
        source = .term(cursor)
        self.weight = weight
        self.model = model
        self.norms = norms
        // tf / (tf + saturation) stays below 1.
        bound = weight
    }

    init(phrase checker: PhraseChecker, weight: Float, model: BM25, norms: UnsafePointer<UInt8>) {
        source = .phrase(checker)
        self.weight = weight
        self.model = model
        self.norms = norms
        bound = weight
    }

    /// The most this leaf can give to documents up to `last`, when its list knows; else `bound`.
    func bound(from first: UInt32, to last: UInt32) throws(StorageError) -> Float {
        guard case .term(let cursor) = source else { return bound }
        guard try cursor.seek(first) else { return 0 }
        guard cursor.documents[cursor.count &- 1] >= last, let block = cursor.bound(cursor.block) else { return bound }
        if block.frequency == .max { return bound }
        return weight * model.termFrequencyPart(block.frequency, block.lengthCode)
    }

    /// Adds to `scores[i]` for each document that matches this leaf. Documents whose score cannot pass `threshold`
    /// even with `rest`, the bound of the leaves to come, become minus infinity instead.
    func add(
        _ documents: UnsafePointer<UInt32>, _ count: Int, _ scores: UnsafeMutablePointer<Float>, threshold: Float,
        rest: Float
    ) throws(StorageError) {
        switch source {
        case .term(let cursor): try add(term: cursor, documents, count, scores)
        case .phrase(let checker): try add(phrase: checker, documents, count, scores, threshold - rest)
        }
    }

    private func add(
        term cursor: PostingCursor, _ documents: UnsafePointer<UInt32>, _ count: Int,
        _ scores: UnsafeMutablePointer<Float>
    ) throws(StorageError) {
        for i in 0..<count {
            let document = documents[i]
            guard try cursor.seek(document) else { return }
            guard cursor.document == document else { continue }
            let frequency = try cursor.frequencies()[cursor.index]
            scores[i] += weight * model.termFrequencyPart(frequency, norms[Int(document)])
        }
    }

    private func add(
        phrase checker: PhraseChecker, _ documents: UnsafePointer<UInt32>, _ count: Int,
        _ scores: UnsafeMutablePointer<Float>, _ needed: Float
    ) throws(StorageError) {
        for i in 0..<count {
            let document = documents[i]
            let lengthCode = norms[Int(document)]
            guard scores[i] > -.infinity, try checker.allHave(document) else { continue }
            let most = weight * model.termFrequencyPart(try checker.frequencyBound(), lengthCode)
            if scores[i] + most <= needed {
                scores[i] = -.infinity
                continue
            }
            let frequency = try checker.occurrences(in: document)
            if frequency > 0 {
                scores[i] += weight * model.termFrequencyPart(UInt32(clamping: frequency), lengthCode)
            }
        }
    }
}
