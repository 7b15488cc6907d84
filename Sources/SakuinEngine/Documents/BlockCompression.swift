import CLZ4

/// LZ4 of whole blocks; the only file that calls liblz4. Not for two threads at once.
final class BlockCompression {
    /// On CJK text levels above compress no better (DESIGN §8).
    static let highLevel: Int32 = 4

    private let isHigh: Bool
    /// What LZ4 works in, made once.
    private let state: UnsafeMutableRawPointer

    /// `high`: the high-compression mode.
    init(high: Bool) {
        isHigh = high
        state = .allocate(byteCount: Int(high ? LZ4_sizeofStateHC() : LZ4_sizeofState()), alignment: 16)
    }

    deinit { state.deallocate() }

    /// Appends the compressed bytes to `out`; false, and nothing appended, when they are not fewer.
    func compress(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        guard let source = bytes.baseAddress, bytes.count > 1, bytes.count <= Int(LZ4_MAX_INPUT_SIZE) else {
            return false
        }
        let limit = bytes.count - 1
        let before = out.count
        out.append(upTo: limit) { target in
            let written =
                if isHigh {
                    LZ4_compress_HC_extStateHC(
                        state, source, target, Int32(bytes.count), Int32(limit), Self.highLevel)
                } else {
                    LZ4_compress_fast_extState(state, source, target, Int32(bytes.count), Int32(limit), 1)
                }
            return Int(max(written, 0))
        }
        return out.count > before
    }

    /// Decompresses the first `wanted` of `count` bytes to `target`, which has room for `count`; false when there are
    /// not so many. With `wanted == count` the block has to end there. Safe on hostile bytes.
    static func decompress(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer, count: Int, wanted: Int
    ) -> Bool {
        guard let source = bytes.baseAddress, let size = Int32(exactly: bytes.count), let whole = Int32(exactly: count),
            let part = Int32(exactly: wanted), part <= whole
        else { return false }
        if part == whole { return LZ4_decompress_safe(source, target, size, whole) == whole }
        return LZ4_decompress_safe_partial(source, target, size, part, whole) >= part
    }
}
