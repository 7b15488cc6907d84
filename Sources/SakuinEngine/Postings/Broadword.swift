/// A word whose set bits are counted by arithmetic on its bytes (Vigna, "Broadword implementation of rank/select queries",
/// 2008), since not every processor has an instruction for it, and found by that and a table of bytes.
struct Broadword {
    private let word: UInt64
    /// By byte the bits set in it and all below.
    private let sums: UInt64

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    @inline(__always)
    init(_ word: UInt64) {
        self.word = word
        let pairs = word &- (word &>> 1 & 0x5555_5555_5555_5555)
        let fours = (pairs & 0x3333_3333_3333_3333) &+ (pairs &>> 2 & 0x3333_3333_3333_3333)
        sums = ((fours &+ fours &>> 4) & 0x0F0F_0F0F_0F0F_0F0F) &* Self.ones
    }

    var count: Int { @inline(__always) get { Int(truncatingIfNeeded: sums &>> 56) } }

    /// Where bit number `rank` of those that are set stands, of which there are more.
    @inline(__always)
    func place(of rank: Int) -> Int {
        let more = ((sums | Self.highs) &- (UInt64(truncatingIfNeeded: rank &+ 1) &* Self.ones)) & Self.highs
        // The first byte up to which there are more than `rank`.
        let at = UInt64(truncatingIfNeeded: more.trailingZeroBitCount & 56)
        let left = UInt64(truncatingIfNeeded: rank) &- (sums &<< 8) &>> at & 0xFF
        return Int(truncatingIfNeeded: at) &+ Int(Self.places[Int((word &>> at & 0xFF) &<< 3 | left & 7)])
    }

    /// By byte and number of one of its set bits where that stands; made once, kept for good and never written afterwards.
    private nonisolated(unsafe) static let places: UnsafePointer<UInt8> = {
        let places = UnsafeMutablePointer<UInt8>.allocate(capacity: 256 * 8)
        places.initialize(repeating: 0, count: 256 * 8)
        for byte in 0..<256 {
            var rank = 0
            for bit in 0..<8 where byte >> bit & 1 == 1 {
                places[byte << 3 | rank] = UInt8(bit)
                rank += 1
            }
        }
        return UnsafePointer(places)
    }()
}
