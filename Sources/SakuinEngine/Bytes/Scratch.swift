import Synchronization

/// Memory for the buffers of one search, handed out piece by piece.
///
/// For one thread at a time. Pieces hold whatever was left there. This only says where the memory is, and copying it counts
/// nothing, since everything that searches has it: whoever owns the `ScratchMemory` keeps it until all that took pieces is
/// gone.
struct Scratch: BitwiseCopyable {
    fileprivate let state: UnsafeMutablePointer<ScratchState>

    /// So many values of a trivial type, aligned to 64 bytes.
    @inline(__always)
    func take<T: BitwiseCopyable>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
        state.pointee.take(byteCount: count &* MemoryLayout<T>.stride).bindMemory(to: T.self, capacity: count)
    }
}

/// Owns the memory of a scratch, and keeps it for the next search when this one is over: fresh memory of that size would
/// have to be mapped and zeroed every time.
struct ScratchMemory: ~Copyable {
    let scratch: Scratch

    init() {
        let chunk = ScratchState.newChunk()
        let state = chunk.bindMemory(to: ScratchState.self, capacity: 1)
        state.initialize(to: ScratchState(chunk))
        scratch = Scratch(state: state)
    }

    deinit {
        scratch.state.pointee.giveBackMore()
        scratch.state.deinitialize(count: 1)
        ScratchState.giveBack(scratch.state)
    }
}

/// What is left of a scratch; it stands at the beginning of the first chunk.
private struct ScratchState {
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

    private var next: UnsafeMutableRawPointer
    private var left: Int
    /// Chunks but the first.
    private var more: [UnsafeMutableRawPointer] = []
    /// Pieces too large for a chunk.
    private var large: [UnsafeMutableRawPointer] = []

    init(_ chunk: UnsafeMutableRawPointer) {
        let own = Self.rounded(MemoryLayout<ScratchState>.size)
        next = chunk + own
        left = Self.chunkByteCount &- own
    }

    @inline(__always)
    private static func rounded(_ byteCount: Int) -> Int { (byteCount &+ alignment &- 1) & ~(alignment &- 1) }

    @inline(__always)
    mutating func take(byteCount: Int) -> UnsafeMutableRawPointer {
        let rounded = Self.rounded(byteCount)
        if rounded > left { return takeOfAnother(rounded) }
        let piece = next
        next += rounded
        left &-= rounded
        return piece
    }

    @inline(never)
    private mutating func takeOfAnother(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount > Self.chunkByteCount {
            let piece = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.alignment)
            piece.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            large.append(piece)
            return piece
        }
        let chunk = Self.newChunk()
        more.append(chunk)
        next = chunk + byteCount
        left = Self.chunkByteCount &- byteCount
        return chunk
    }

    /// Gives everything back but the first chunk.
    func giveBackMore() {
        for piece in large { piece.deallocate() }
        for chunk in more { Self.giveBack(chunk) }
    }

    static func giveBack(_ chunk: UnsafeMutableRawPointer) {
        let isKept = spare.withLock { spare in
            guard spare.chunks.count < spareCountMax else { return false }
            spare.chunks.append(chunk)
            return true
        }
        if !isKept { chunk.deallocate() }
    }

    static func newChunk() -> UnsafeMutableRawPointer {
        if let chunk = spare.withLock({ $0.chunks.popLast() }) { return chunk }
        let chunk = UnsafeMutableRawPointer.allocate(byteCount: chunkByteCount, alignment: alignment)
        chunk.initializeMemory(as: UInt8.self, repeating: 0, count: chunkByteCount)
        return chunk
    }
}
