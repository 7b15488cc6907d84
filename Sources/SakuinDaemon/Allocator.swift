#if canImport(Glibc)
    import Glibc
#endif

/// Settings of the allocator, before the first thread is started.
enum Allocator {
    /// Buffers of a MiB and more are mapped, and given back to the system when they are freed. Left alone, glibc raises
    /// that bound to 32 MiB with the first one that is freed, and what lanes and merges held stays in the heap: a daemon
    /// then keeps up to twice its memory budget.
    static func giveBackWhatIsFreed() {
        #if canImport(Glibc)
            // The module of the C library does not show it, and other C libraries have none.
            guard let symbol = dlsym(nil, "mallopt") else { return }
            let mallopt = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)
            let (trimThreshold, mmapThreshold): (Int32, Int32) = (-1, -3)
            _ = mallopt(mmapThreshold, 1 << 20)
            _ = mallopt(trimThreshold, 1 << 20)
        #endif
    }
}
