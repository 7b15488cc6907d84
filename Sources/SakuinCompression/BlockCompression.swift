import CLZ4

/// LZ4 of whole blocks, for stored documents and for frames; the only file that calls liblz4. Not for two threads at once.
public final class BlockCompression {
    /// On CJK text levels above compress no better (DESIGN §8).
    private static let highLevel: Int32 = 4

    private let isHigh: Bool
    /// What LZ4 works in, made once.
    private let state: UnsafeMutableRawPointer

    /// `high`: the high-compression mode.
    public init(high: Bool) {
        isHigh = high
        state = .allocate(byteCount: Int(high ? LZ4_sizeofStateHC() : LZ4_sizeofState()), alignment: 16)
    }

    deinit { state.deallocate() }

    /// Writes the compressed bytes to `target` and returns how many they are; 0 when `target` has no room for them. What is
    /// behind them in `target` may have been written over.
    public func compress(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int {
        guard let source = bytes.baseAddress, let out = target.baseAddress, bytes.count <= Int(LZ4_MAX_INPUT_SIZE)
        else {
            return 0
        }
        let (count, limit) = (Int32(bytes.count), Int32(clamping: target.count))
        let written =
            if isHigh {
                LZ4_compress_HC_extStateHC(state, source, out, count, limit, Self.highLevel)
            } else {
                LZ4_compress_fast_extState(state, source, out, count, limit, 1)
            }
        return Int(max(written, 0))
    }

    /// Decompresses the first `wanted` of `count` bytes to `target`, which has room for `count`; false when there are
    /// not so many. With `wanted == count` the block has to end there. Safe on hostile bytes.
    public static func decompress(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer, count: Int, wanted: Int
    ) -> Bool {
        guard let source = bytes.baseAddress, let size = Int32(exactly: bytes.count), let whole = Int32(exactly: count),
            let part = Int32(exactly: wanted), part <= whole
        else { return false }
        if part == whole { return LZ4_decompress_safe(source, target, size, whole) == whole }
        return LZ4_decompress_safe_partial(source, target, size, part, whole) >= part
    }

    /// The most that a block of so many bytes can become: a byte of a length stands for 255 at most.
    public static func contentByteCountMax(ofBlock byteCount: Int) -> Int {
        let (most, isTooMuch) = byteCount.multipliedReportingOverflow(by: 255)
        return isTooMuch ? .max : most
    }
}
