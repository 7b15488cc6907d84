#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import SakuinEngine

/// The memory of this process, for the one number that limits it.
enum ProcessMemory {
    /// nil where the system does not tell.
    static var hook: MemoryHook? {
        guard ownByteCount() != nil else { return nil }
        return MemoryHook(ownByteCount: ownByteCount, release: ProcessAllocator.giveBack)
    }

    /// Resident bytes that no file stands behind, as `RssAnon` in `/proc/PID/status`.
    @Sendable private static func ownByteCount() -> Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let got = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        // Pages: all, resident, resident of files and shared memory, …
        let pages = bytes.prefix(max(got, 0)).split(separator: UInt8(ascii: " ")).prefix(3).map {
            Int(String(decoding: $0, as: UTF8.self)) ?? 0
        }
        guard pages.count == 3 else { return nil }
        return max(0, pages[1] - pages[2]) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
