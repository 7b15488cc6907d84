/// Comparisons that come out as numbers by arithmetic.
///
/// `a == b ? 1 : 0` is made a jump by the compiler where the sum it is added to goes round a loop.
enum Branchless {
    /// 1 when they are equal, else 0.
    @inline(__always)
    static func areEqual(_ a: UInt32, _ b: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(a ^ b) &- 1) &>> 63)
    }

    /// 1 when `a` is below `b`, else 0.
    @inline(__always)
    static func isBelow(_ a: UInt32, _ b: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(a) &- UInt64(b)) &>> 63)
    }
}
