internal import CLZ4

/// LZ4 blocks; the only file that calls liblz4.
enum BlockCompression {
    static let highLevel: Int32 = 9

    static func compressedByteCountMax(_ count: Int) -> Int { Int(LZ4_compressBound(Int32(clamping: count))) }

    /// Compresses into a buffer of `compressedByteCountMax` bytes; returns the bytes written, 0 when it failed.
    static func compress(
        _ from: UnsafeRawPointer, count: Int, into out: UnsafeMutableRawPointer, capacity: Int, high: Bool
    ) -> Int {
        let source = from.assumingMemoryBound(to: CChar.self)
        let target = out.assumingMemoryBound(to: CChar.self)
        let size = Int32(clamping: count)
        let room = Int32(clamping: capacity)
        return Int(
            high
                ? LZ4_compress_HC(source, target, size, room, highLevel)
                : LZ4_compress_default(source, target, size, room))
    }

    /// Decompresses to exactly `byteCount` bytes; false when the block cannot be that. Safe on any input.
    static func decompress(
        _ from: UnsafeRawPointer, count: Int, into out: UnsafeMutableRawPointer, byteCount: Int
    ) -> Bool {
        guard count <= Int(Int32.max), byteCount <= Int(Int32.max) else { return false }
        let written = LZ4_decompress_safe(
            from.assumingMemoryBound(to: CChar.self), out.assumingMemoryBound(to: CChar.self), Int32(count),
            Int32(byteCount))
        return Int(written) == byteCount
    }
}
