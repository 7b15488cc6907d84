/// The tokens of a phrase that were looked up, so that one that comes again is not: the entry of a term that one long document
/// has a hundred thousand times is long, and a phrase may have the term ten thousand times.
struct KnownTokens {
    /// Phrases of fewer tokens are looked up as they stand.
    static let tokenCountMin = 16

    private var places: [PlanTerm: Int] = [:]
    private let isKept: Bool

    init(tokenCount: Int) { isKept = tokenCount >= Self.tokenCountMin }

    /// Where the same token was looked up before; when it was not, it is from now on at `place`.
    @inline(__always)
    mutating func place(of term: PlanTerm, elseAt place: Int) -> Int? {
        isKept ? find(term, place) : nil
    }

    @inline(never)
    private mutating func find(_ term: PlanTerm, _ place: Int) -> Int? {
        if let known = places[term] { return known }
        places[term] = place
        return nil
    }
}
