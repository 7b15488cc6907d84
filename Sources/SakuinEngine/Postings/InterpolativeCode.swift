// Ascending numbers in few bits: binary interpolative coding (Moffat and Stuiver, "Binary interpolative coding for
// effective index compression", 2000).
//
// The middle number is written first, as its place among those it can be when all others must fit on its sides, in
// truncated binary; then the numbers below it, then those above.

enum InterpolativeCode {
    /// Appends `count` ascending numbers below `limit`.
    static func encode(_ numbers: UnsafePointer<UInt32>, count: Int, limit: Int, into bits: inout BitWriter) {
        // A number takes 33 bits at most.
        bits.write(upTo: 5 * count) { write(numbers, 0, count, 0, limit, &$0) }
    }

    private static func write(
        _ numbers: UnsafePointer<UInt32>, _ from: Int, _ to: Int, _ low: Int, _ high: Int, _ bits: inout BitSink
    ) {
        // The right side comes last, so it goes on here.
        var (from, low) = (from, low)
        while from < to {
            let middle = (from &+ to) &>> 1
            let number = Int(numbers[middle])
            bits.append(number &- low &- (middle &- from), below: (high &- low) &- (to &- from) &+ 1)
            if from < middle { write(numbers, from, middle, low, number, &bits) }
            from = middle &+ 1
            low = number &+ 1
        }
    }

    /// Reads `count` numbers below `limit` into `out`; false when there cannot be so many. What is read ascends and is
    /// below `limit`, whatever the bits are.
    @inline(__always)
    static func decode(
        _ bits: inout BitReader, count: Int, limit: Int, into out: UnsafeMutablePointer<UInt32>
    ) -> Bool {
        guard count <= limit, limit <= Int(UInt32.max) else { return false }
        read(out, 0, count, 0, limit, &bits)
        return true
    }

    private static func read(
        _ out: UnsafeMutablePointer<UInt32>, _ from: Int, _ to: Int, _ low: Int, _ high: Int, _ bits: inout BitReader
    ) {
        let count = to &- from
        if count == 1 {
            out[from] = UInt32(truncatingIfNeeded: low &+ bits.next(below: high &- low))
            return
        }
        guard count > 0 else { return }
        let middle = (from &+ to) &>> 1
        let number = low &+ (middle &- from) &+ bits.next(below: (high &- low) &- count &+ 1)
        out[middle] = UInt32(truncatingIfNeeded: number)
        read(out, from, middle, low, number, &bits)
        read(out, middle &+ 1, to, number &+ 1, high, &bits)
    }
}
