/// Up to 128 ascending documents on their way through the matchers, with the scores they have so far.
///
/// A leaf adds a score of single precision; their sums are kept in double precision, where they are exact for any
/// scores that differ less than 2^29-fold, so that the order of adding does not matter.
///
/// It stands in scratch memory, and this says where.
struct MatchBatch: BitwiseCopyable {
    static let capacity = 128

    let documents: UnsafeMutablePointer<UInt32>
    let scores: UnsafeMutablePointer<Double>

    init(_ scratch: Scratch) {
        documents = scratch.take(UInt32.self, Self.capacity)
        scores = scratch.take(Double.self, Self.capacity)
    }

    /// Moves a document and its score to a place at or before its own.
    @inline(__always)
    func move(_ from: Int, to: Int) {
        documents[to] = documents[from]
        scores[to] = scores[from]
    }

    /// Copies the first `count` documents of another batch, without scores.
    func copyDocuments(of other: MatchBatch, _ count: Int) {
        documents.update(from: other.documents, count: count)
        scores.update(repeating: 0, count: count)
    }

    /// Of `count` documents keeps those that are, or with `unless` those that are not, among `wantedCount` of them;
    /// returns how many.
    func keep(_ wanted: UnsafePointer<UInt32>, _ wantedCount: Int, of count: Int, unless: Bool = false) -> Int {
        var (kept, place) = (0, 0)
        for i in 0..<count {
            let isWanted = place < wantedCount && wanted[place] == documents[i]
            place &+= isWanted ? 1 : 0
            if isWanted != unless {
                move(i, to: kept)
                kept &+= 1
            }
        }
        return kept
    }
}
