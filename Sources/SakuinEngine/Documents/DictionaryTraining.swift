import SakuinCompression

/// Picks from a sample the pieces that save LZ4 most when they stand in its dictionary.
///
/// COVER (Liao, Petri, Moffat and Wirth, "Effective Construction of Relative Lempel-Ziv Dictionaries", 2016): the sample is
/// cut into as many epochs as there are pieces in the dictionary; of each comes the piece whose distinct grams of
/// `gramByteCount` bytes are most frequent in the sample, those left out that stand in a piece already.
struct DictionaryTraining: ~Copyable {
    static let byteCountMax = BlockCompression.dictionaryByteCountMax
    /// A dictionary for stored documents that take so many times as much saves more than it takes.
    static let storedByteCountPerByte = 32
    private static let gramByteCount = 6
    private static let pieceByteCount = 64
    /// Pieces of an epoch begin so far from each other.
    private static let pieceStride = 16

    private let sample: UnsafeRawBufferPointer
    private let shift: UInt64
    /// By hash of the gram, up to 65,535; 0 once it stands in a piece.
    private var counts: [UInt16]
    /// The last piece in which a hash was counted, since a gram counts once in a piece.
    private var lastPieces: [UInt32]
    private var pieceNumber: UInt32 = 0

    /// At most `byteCount` bytes from a sample, which may be empty. Takes some seven times the sample's bytes of memory.
    static func dictionary(of sample: UnsafeRawBufferPointer, byteCount: Int) -> [UInt8] {
        let pieceCount = min(byteCount, byteCountMax) / pieceByteCount
        // The last gram of the last piece is read as eight bytes.
        let epoch = pieceCount == 0 ? 0 : (sample.count - 8) / pieceCount
        if epoch <= pieceByteCount { return Array(sample.suffix(pieceCount * pieceByteCount)) }
        var training = DictionaryTraining(sample)
        var pieces = (0..<pieceCount).map { training.best(from: $0 * epoch, to: ($0 + 1) * epoch) }
        // What is farthest in front is out of reach at the end of a block.
        pieces.sort { ($0.score, $0.start) < ($1.score, $1.start) }
        return pieces.flatMap { sample[$0.start..<($0.start + pieceByteCount)] }
    }

    private init(_ sample: UnsafeRawBufferPointer) {
        self.sample = sample
        let bits = min(20, Int.bitWidth - sample.count.leadingZeroBitCount)
        shift = UInt64(64 - bits)
        counts = [UInt16](repeating: 0, count: 1 << bits)
        lastPieces = [UInt32](repeating: 0, count: 1 << bits)
        for at in 0...(sample.count - 8) {
            let slot = slot(at)
            if counts[slot] < .max { counts[slot] += 1 }
        }
    }

    /// The place of the gram that begins at `at`, with at least eight bytes from there on.
    private func slot(_ at: Int) -> Int {
        let gram = sample.loadUnaligned(fromByteOffset: at, as: UInt64.self) &<< UInt64(8 * (8 - Self.gramByteCount))
        return Int(truncatingIfNeeded: (gram &* 0x9E37_79B9_7F4A_7C15) &>> shift)
    }

    private static func grams(_ start: Int) -> Range<Int> { start..<(start + pieceByteCount - gramByteCount + 1) }

    /// The best piece of an epoch, whose grams count no more afterwards.
    private mutating func best(from: Int, to: Int) -> (start: Int, score: Int) {
        var best = (start: from, score: -1)
        for start in stride(from: from, through: to - Self.pieceByteCount, by: Self.pieceStride) {
            let score = score(start)
            if score > best.score { best = (start, score) }
        }
        for at in Self.grams(best.start) { counts[slot(at)] = 0 }
        return best
    }

    private mutating func score(_ start: Int) -> Int {
        pieceNumber += 1
        var score = 0
        for at in Self.grams(start) {
            let slot = slot(at)
            // What stands there once saves nothing.
            if counts[slot] < 2 || lastPieces[slot] == pieceNumber { continue }
            lastPieces[slot] = pieceNumber
            score += Int(counts[slot])
        }
        return score
    }
}
