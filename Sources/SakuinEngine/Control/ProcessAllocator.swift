#if canImport(Glibc)
    import Glibc
#endif

/// Settings of the allocator of the process, for programs whose memory is to stay near what the engine counts. The module of
/// the C library does not show these functions (mallopt(3), malloc_trim(3)), and other C libraries have none: there nothing
/// happens.
public enum ProcessAllocator {
    /// Before the first thread is started: what is freed goes back to the system.
    ///
    /// Buffers of `byteCount` bytes and more are mapped, and given back when they are freed. Left alone, glibc raises that
    /// bound to 32 MiB with the first one that is freed, and what lanes and merges held stays in the heap. And it gives
    /// threads heaps of their own, eight for each core, each of which keeps what one thread has once needed.
    public static func giveBackWhatIsFreed(from byteCount: Int = 256 << 10) {
        #if canImport(Glibc)
            guard let symbol = dlsym(nil, "mallopt") else { return }
            let mallopt = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
            let (trimThreshold, mmapThreshold, arenaCountMax): (Int32, Int32, Int32) = (-1, -3, -8)
            _ = mallopt(mmapThreshold, Int32(clamping: byteCount))
            _ = mallopt(trimThreshold, Int32(clamping: byteCount))
            _ = mallopt(arenaCountMax, 4)
        #endif
    }

    /// Gives pages that are free inside of heaps back too; takes a few milliseconds.
    @Sendable public static func giveBack() {
        #if canImport(Glibc)
            guard let symbol = dlsym(nil, "malloc_trim") else { return }
            _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
        #endif
    }
}
