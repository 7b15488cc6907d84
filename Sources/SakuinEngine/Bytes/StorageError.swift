/// What can go wrong below the index: every room that touches bytes or files throws this.
enum StorageError: Error, Sendable, Equatable {
    /// Bytes that cannot be what they claim to be.
    case corrupt(file: String, offset: Int, reason: String)
    /// A failed system call.
    case io(operation: String, path: String, errno: Int32)
    /// A file of a format this build cannot read.
    case unsupportedVersion(file: String, found: Int, supported: Int)
    /// Another process owns the folder.
    case locked(path: String, owner: String)
    /// The caller asked to stop.
    case cancelled
}
