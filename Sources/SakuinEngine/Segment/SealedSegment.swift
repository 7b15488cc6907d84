/// What of a sealed chunk the index needs to publish it.
struct SealedSegment: Sendable {
    var id: UInt64
    var byteCount: Int
    var checksum: UInt32
    /// The ordinal of the operation that put each document, by document.
    var ordinals: [UInt64]
    /// Hash of each document's key.
    var keyHashes: [UInt64]

    /// Bytes of memory it takes.
    var memoryByteCount: Int { 8 * (ordinals.capacity + keyHashes.capacity) }
}
