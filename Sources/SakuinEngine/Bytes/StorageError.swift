/// What can go wrong below the index: every room that touches bytes or files throws this.
enum StorageError: Error, Sendable, Equatable {
    /// Bytes that cannot be what they claim to be.
    case corrupt(file: String, offset: Int, reason: String)
    /// A failed system call.
    case io(operation: String, path: String, errno: Int32)
    /// A file of a format this build cannot read.
    case unsupportedVersion(file: String, found: Int, supported: ClosedRange<Int>)
    /// Another process owns the folder.
    case locked(path: String, owner: String)
    /// The caller asked to stop.
    case cancelled
    /// Needs more memory than may be taken, however long it waits.
    case noMemory(needed: Int, limit: Int)
    /// There is no memory now to read a document of so many bytes for a search.
    case noMemoryToRead(byteCount: Int, limit: Int)
    /// The system gives no thread.
    case noThread(needed: Int)
    /// A part of a segment would have more bytes than the format can say.
    case tooLarge(part: String, byteCount: Int, limit: Int)

    /// Whether the bytes are not there or cannot be what they claim to be, so that reading them again would say the same.
    /// A call that failed otherwise says nothing about them.
    var isDamage: Bool {
        switch self {
        case .corrupt: true
        case .io(_, _, let number): number == Self.noSuchFile
        case .unsupportedVersion, .locked, .cancelled, .noMemory, .noMemoryToRead, .noThread, .tooLarge: false
        }
    }

    /// Whether the bytes are there and cannot be what they claim to be.
    var isCorrupt: Bool { if case .corrupt = self { true } else { false } }

    /// Whether the same work would fail again, whenever it is tried.
    var isLasting: Bool { if case .tooLarge = self { true } else { isDamage } }

    /// Whether a link was refused since the file system, or the two places, can have none: EPERM, EXDEV, EMLINK, ENOSYS,
    /// EOPNOTSUPP.
    var saysNoLinks: Bool {
        if case .io("link", _, let number) = self { [1, 18, 31, 38, 95].contains(number) } else { false }
    }

    /// ENOENT, which is the same number on all systems this is built for.
    private static let noSuchFile: Int32 = 2

    /// What `body` reads; nil when that is damaged. Other errors are thrown on.
    static func unlessDamaged<R>(_ body: () throws(StorageError) -> R) throws(StorageError) -> R? {
        do throws(StorageError) {
            return try body()
        } catch {
            guard error.isDamage else { throw error }
            return nil
        }
    }
}
