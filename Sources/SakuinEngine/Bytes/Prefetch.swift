import CPrefetch

/// Asks for memory that is read soon, so that its way from main memory goes on beside other work. Nothing is read: any
/// address may be given.
///
/// Half of the time of a short search was waiting for single loads, each the first of a list or a block that other
/// searches had driven out of the nearer caches, and of the table of its page; see `Docs/PERFORMANCE.md`.
enum Prefetch {
    @inline(__always)
    static func line(_ address: UnsafeRawPointer) { sakuin_prefetch(address) }

    /// The same for one that is going to be written.
    @inline(__always)
    static func lineToWrite(_ address: UnsafeRawPointer) { sakuin_prefetch_to_write(address) }

    /// Bytes that parts are asked for of; holds nothing, and need not be there any more.
    struct Area: BitwiseCopyable {
        let base: UnsafeRawPointer
        let count: Int

        /// Nothing happens when there is no such byte.
        @inline(__always)
        func line(at offset: Int) {
            if offset >= 0, offset < count { Prefetch.line(base + offset) }
        }

        /// Asks for a list where reading it begins: its end, with the skip data, and its first block.
        @inline(__always)
        func list(_ info: TermInfo) {
            guard info.documentFrequency > 1 else { return }
            line(at: info.postingsOffset &+ info.postingsByteCount &- 1)
            line(at: info.postingsOffset)
        }
    }
}
