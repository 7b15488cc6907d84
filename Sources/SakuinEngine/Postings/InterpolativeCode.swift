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
        if count <= InterpolativeOrder.countMax {
            readInOrder(out, count, UInt32(truncatingIfNeeded: limit), &bits)
        } else {
            read(out, 0, count, 0, limit, &bits)
        }
        return true
    }

    /// Reads `count` (0...128) numbers below `limit`, which is not below `count`, to `values[1...count]`; what stands
    /// before and behind them is overwritten too.
    @inline(__always)
    static func decode(
        _ ahead: inout BitsAhead, count: Int, limit: UInt32, into values: UnsafeMutablePointer<UInt32>
    ) {
        // One before the first, and the limit behind the last.
        values[0] = .max
        values[count &+ 1] = limit
        let steps = InterpolativeOrder.steps(count)
        for i in 0..<count {
            let step = steps[i]
            let low = values[Int(step.low)]
            let room = values[Int(step.high)] &- low &- UInt32(step.high &- step.low) &+ 1
            values[Int(step.middle)] = low &+ UInt32(step.middle &- step.low) &+ ahead.next(below: room)
        }
    }

    /// Reads the numbers of a block, following the steps of its size instead of recursing.
    private static func readInOrder(
        _ out: UnsafeMutablePointer<UInt32>, _ count: Int, _ limit: UInt32, _ bits: inout BitReader
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: InterpolativeOrder.countMax + 2) { room in
            guard let values = room.baseAddress else { return }
            var ahead = BitsAhead(bits)
            decode(&ahead, count: count, limit: limit, into: values)
            out.update(from: values + 1, count: count)
            bits.advance(to: ahead)
        }
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

/// In which order the numbers of a block are coded, and between which of those before.
private enum InterpolativeOrder {
    static let countMax = 128

    /// Places count from 1; 0 is what stands before the first, one more than the size what stands behind the last.
    struct Step {
        var low: UInt8
        var middle: UInt8
        var high: UInt8
    }

    /// The steps of all sizes, one size behind the other; made once, kept for good and never written afterwards.
    private nonisolated(unsafe) static let all: UnsafePointer<Step> = {
        let steps = UnsafeMutablePointer<Step>.allocate(capacity: countMax * (countMax + 1) / 2)
        var next = 0
        func add(_ from: Int, _ to: Int) {
            guard from < to else { return }
            let middle = (from + to) >> 1
            steps[next] = Step(
                low: UInt8(truncatingIfNeeded: from), middle: UInt8(truncatingIfNeeded: middle + 1),
                high: UInt8(truncatingIfNeeded: to + 1))
            next += 1
            add(from, middle)
            add(middle + 1, to)
        }
        for count in 1...countMax { add(0, count) }
        return UnsafePointer(steps)
    }()

    /// The steps of a size of 0...128.
    @inline(__always)
    static func steps(_ count: Int) -> UnsafePointer<Step> { all + (count &* (count &- 1)) &>> 1 }
}
