/// The skip data behind a list of more than one block: per block u32 last document, u32 end of the block in the list,
/// with positions u32 end of its position codes, u8 highest frequency (255: that or more), u8 shortest length code.
struct SkipData {
    private let base: UnsafeRawPointer
    private let stride: Int
    private let boundOffset: Int

    static func stride(hasPositions: Bool) -> Int { hasPositions ? 14 : 10 }

    init(_ base: UnsafeRawPointer, hasPositions: Bool) {
        self.base = base
        stride = Self.stride(hasPositions: hasPositions)
        boundOffset = stride - 2
    }

    @inline(__always)
    func lastDocument(_ block: Int) -> UInt32 {
        base.loadUnaligned(fromByteOffset: block &* stride, as: UInt32.self)
    }

    @inline(__always)
    func postingsEnd(_ block: Int) -> Int {
        Int(base.loadUnaligned(fromByteOffset: block &* stride &+ 4, as: UInt32.self))
    }

    /// Only for lists with positions.
    @inline(__always)
    func positionsEnd(_ block: Int) -> Int {
        Int(base.loadUnaligned(fromByteOffset: block &* stride &+ 8, as: UInt32.self))
    }

    /// Nothing in the block has a higher frequency or a shorter length: its score bound.
    @inline(__always)
    func bound(_ block: Int) -> (frequency: UInt32, lengthCode: UInt8) {
        let at = block &* stride &+ boundOffset
        let frequency = base.load(fromByteOffset: at, as: UInt8.self)
        return (frequency == 255 ? .max : UInt32(frequency), base.load(fromByteOffset: at &+ 1, as: UInt8.self))
    }
}
