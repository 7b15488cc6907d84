import Synchronization

/// Memory for the buffers of one search, handed out piece by piece and kept for the next search when the last piece's
/// owner is gone: fresh memory of that size would have to be mapped and zeroed every time.
///
/// For one thread at a time. Pieces hold whatever was left there; who takes one keeps the scratch alive, or has a
/// `PostingCursor` of it, which does.
final class Scratch {
    private static let chunkByteCount = 64 << 10
    /// Chunks kept between searches.
    private static let spareCountMax = 64
    private static let alignment = 64

    /// Chunks that nobody uses.
    private struct Spare: @unchecked Sendable {
        // A chunk is either here or with the one scratch that took it, never with both.
        var chunks: [UnsafeMutableRawPointer] = []
    }
    private static let spare = Mutex(Spare())

    /// What pieces are taken from, and what was before it.
    private var chunk: UnsafeMutableRawPointer
    private var full: [UnsafeMutableRawPointer] = []
    /// Pieces too large for a chunk.
    private var large: [UnsafeMutableRawPointer] = []
    /// Whether there is anything in `full` or `large`: told apart, since going through arrays that may change is watched, at the
    /// end of each search.
    private var hasMore = false
    private var next: UnsafeMutableRawPointer
    private var left: Int

    init() {
        chunk = Self.newChunk()
        next = chunk
        left = Self.chunkByteCount
    }

    deinit {
        if hasMore { giveBackMore() }
        Self.giveBack(chunk)
    }

    @inline(never)
    private func giveBackMore() {
        for piece in large { piece.deallocate() }
        for chunk in full { Self.giveBack(chunk) }
    }

    private static func giveBack(_ chunk: UnsafeMutableRawPointer) {
        let isKept = spare.withLock { spare in
            guard spare.chunks.count < spareCountMax else { return false }
            spare.chunks.append(chunk)
            return true
        }
        if !isKept { chunk.deallocate() }
    }

    private static func newChunk() -> UnsafeMutableRawPointer {
        if let chunk = spare.withLock({ $0.chunks.popLast() }) { return chunk }
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: chunkByteCount, alignment: alignment)
        chunk.initializeMemory(as: UInt8.self, repeating: 0, count: chunkByteCount)
        return chunk
    }

    /// So many values of a trivial type, aligned to 64 bytes.
    @inline(__always)
    func take<T: BitwiseCopyable>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
        take(byteCount: count &* MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: count)
    }

    private func take(byteCount: Int) -> UnsafeMutableRawPointer {
        let rounded = (byteCount &+ Self.alignment &- 1) & ~(Self.alignment &- 1)
        if rounded > left { return takeOfAnother(rounded) }
        let piece = next
        next += rounded
        left &-= rounded
        return piece
    }

    @inline(never)
    private func takeOfAnother(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount > Self.chunkByteCount {
            let piece = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.alignment)
            piece.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            large.append(piece)
            hasMore = true
            return piece
        }
        full.append(chunk)
        hasMore = true
        chunk = Self.newChunk()
        next = chunk + byteCount
        left = Self.chunkByteCount &- byteCount
        return chunk
    }
}
