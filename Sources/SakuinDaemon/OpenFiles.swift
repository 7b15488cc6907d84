#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The files that this process may have open: segments, journals and connections.
enum OpenFiles {
    /// Raises the limit as far as the system lets it, for many start programs with 1,024; returns what it is then.
    static func raiseLimit() -> Int {
        #if canImport(Glibc)
            let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let kind = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(kind, &limit) == 0 else { return 1_024 }
        // Without a bound there are tables of all that may be open in some systems.
        let wanted = min(limit.rlim_max, 1 << 20)
        if wanted > limit.rlim_cur {
            var raised = limit
            raised.rlim_cur = wanted
            if setrlimit(kind, &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
