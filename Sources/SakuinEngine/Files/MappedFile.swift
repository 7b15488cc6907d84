#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Read-only bytes of a file, unmapped when the last owner lets go. `bytes` is for owners that keep the object in a
/// property; everyone else uses `withBytes`.
final class MappedFile: Sendable {
    private enum Memory {
        case none
        case mapped
        case allocated
    }

    /// Written before the object is shared, read-only afterwards, freed in deinit.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    private let memory: Memory

    /// Takes over a read-only mapping; nil stands for an empty file.
    init(mapping: UnsafeRawBufferPointer?) {
        bytes = mapping ?? UnsafeRawBufferPointer(start: nil, count: 0)
        memory = mapping == nil ? .none : .mapped
    }

    /// Bytes that are in no file.
    init(copying source: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 16)
        copy.copyBytes(from: source)
        bytes = UnsafeRawBufferPointer(copy)
        memory = .allocated
    }

    deinit {
        switch memory {
        case .none: break
        case .mapped: munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        case .allocated: bytes.deallocate()
        }
    }

    /// Hands out the bytes and keeps them mapped until `body` returns. With `bytes` alone the last use of the object
    /// may come before that of the bytes, and the compiler frees it there.
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withExtendedLifetime(self) { () throws(E) in try body(bytes) }
    }
}
