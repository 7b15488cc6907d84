// How the tokens of a phrase hang together.
//
// The tokens follow each other in the order of the text. What an occurrence of a token ends with tells which occurrences
// of the next one stand behind it: both name the same occurrence of the character they share (a link), or positions at the
// distance the phrase has. So an occurrence of the phrase is a chain of occurrences, one of each token.

/// Where the two ends of an occurrence are among the numbers that its list keeps.
struct ChainEnds: BitwiseCopyable {
    /// Numbers of an occurrence.
    private(set) var valueCount = 1
    /// Which of them its left end is, and its right.
    private(set) var left = 0
    private(set) var right = 0
    /// What the right end is behind its number.
    private(set) var rightDistance: UInt32 = 0

    /// Those of a term in a list that keeps so much.
    init(_ term: PlanTerm, _ occurrences: OccurrenceKind) {
        guard occurrences == .links || occurrences == .linkAndPosition else {
            rightDistance = term.span
            return
        }
        valueCount = 2
        switch term {
        case .bigram, .tail: (left, right) = (0, 1)
        case .head: (left, right) = (1, 0)
        case .pair(let neighbour, _), .pairPrefix(let neighbour, _):
            (left, right) = neighbour.isBehind ? (1, 0) : (0, 1)
        case .edge, .character, .unit, .word, .prefix: (left, right) = (1, 1)
        }
    }

    /// The characters whose occurrences the two ends of a term's occurrences number; 0 for an end that is a position.
    func characters(_ term: PlanTerm, _ found: FoundTerm) -> (left: UInt32, right: UInt32) {
        if valueCount == 1 { return (0, 0) }
        switch term {
        case .bigram: return (GramKey.first(found.gram), GramKey.second(found.gram))
        case .head: return (0, GramKey.first(found.gram))
        case .tail: return (GramKey.first(found.gram), 0)
        case .pair(let neighbour, _), .pairPrefix(let neighbour, _):
            return neighbour.isBehind ? (0, found.neighbour) : (found.neighbour, 0)
        case .edge, .character, .unit, .word, .prefix: return (0, 0)
        }
    }
}

/// The occurrences of a token in a document, as they were read.
struct OccurrenceRun: OccurrenceStream, BitwiseCopyable {
    let values: UnsafePointer<UInt32>
    let count: Int
    let ends: ChainEnds
    private var place = 0

    init(values: UnsafePointer<UInt32>, count: Int, ends: ChainEnds) {
        self.values = values
        self.count = count
        self.ends = ends
    }

    @inline(__always)
    func left(_ i: Int) -> UInt32 { values[i &* ends.valueCount &+ ends.left] }
    @inline(__always)
    func right(_ i: Int) -> UInt32 { values[i &* ends.valueCount &+ ends.right] &+ ends.rightDistance }

    @inline(__always)
    mutating func next() -> (left: UInt32, right: UInt32) {
        defer { place &+= 1 }
        return (left(place), right(place))
    }
}

/// On which side of the tokens a chain is made of so far the next one stands, and how far away.
struct ChainLink: BitwiseCopyable {
    var isLeft: Bool
    var distance: UInt32
}

/// Chains of a document: what each begins and ends with, side by side; both ascend.
enum Chain {
    /// Writes those of `count` chains to `out`, with their new end, that an occurrence of the next token continues; returns
    /// how many. `out` may be where the chains are.
    @inline(__always)
    static func extend<S: OccurrenceStream>(
        _ chains: UnsafePointer<UInt32>, _ count: Int, by stream: inout S, _ link: ChainLink,
        to out: UnsafeMutablePointer<UInt32>
    ) -> Int {
        guard count > 0, stream.count > 0 else { return 0 }
        var (i, j, kept) = (0, 1, 0)
        var next = stream.next()
        while true {
            let (first, last) = (chains[2 &* i], chains[2 &* i &+ 1])
            let (end, start) = link.isLeft ? (next.right &+ link.distance, first) : (last &+ link.distance, next.left)
            // What is kept never overtakes what is read.
            if end == start {
                out[2 &* kept] = link.isLeft ? next.left : first
                out[2 &* kept &+ 1] = link.isLeft ? last : next.right
                kept &+= 1
            }
            let chainIsLower = link.isLeft ? start <= end : end <= start
            if chainIsLower {
                i &+= 1
                if i == count { return kept }
            } else {
                if j == stream.count { return kept }
                next = stream.next()
                j &+= 1
            }
        }
    }
}
