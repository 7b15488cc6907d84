/// How the process's memory is looked at, and asked back from the allocator; for a process that is about nothing but its
/// indexes, so that one number holds for all of it.
public struct MemoryHook: Sendable, Hashable {
    /// Bytes of memory that are the process's own, mapped files not counted; nil when that is not known.
    public var ownByteCount: @Sendable () -> Int?
    /// Has the allocator give back to the system what it keeps.
    public var release: @Sendable () -> Void

    public init(ownByteCount: @escaping @Sendable () -> Int?, release: @escaping @Sendable () -> Void) {
        self.ownByteCount = ownByteCount
        self.release = release
    }

    /// Options that differ in nothing else are the same: functions cannot be compared.
    public static func == (a: MemoryHook, b: MemoryHook) -> Bool { true }
    public func hash(into hasher: inout Hasher) {}
}
