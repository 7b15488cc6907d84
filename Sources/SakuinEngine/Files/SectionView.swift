import Synchronization

/// The bytes of one section of an open segment; each checked block is verified when it is first touched.
final class SectionView: Sendable {
    /// A CRC-32C covers this many bytes of a section (the last one fewer).
    static let checkedByteCount = 32 << 10

    let file: String
    /// Offset of the section in its file.
    let fileOffset: Int
    let count: Int
    private let owner: MappedFile
    /// Points into `owner`, which this object keeps mapped and nobody writes to.
    private nonisolated(unsafe) let base: UnsafeRawPointer
    private let checksums: [UInt32]
    /// One bit a checked block; bits are only ever set, atomically. Freed in deinit.
    private nonisolated(unsafe) let verified: UnsafeMutablePointer<Atomic<UInt64>>

    /// The caller has checked that `offset..<offset+count` lies in the file and that `checksums` covers it.
    init(owner: MappedFile, file: String, offset: Int, count: Int, checksums: [UInt32]) {
        self.owner = owner
        self.file = file
        fileOffset = offset
        self.count = count
        self.checksums = checksums
        base =
            UnsafeRawPointer(bitPattern: UInt(bitPattern: owner.bytes.baseAddress) &+ UInt(offset))
            ?? UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))
        verified = .allocate(capacity: checksums.count / 64 + 1)
        for i in 0...(checksums.count / 64) { (verified + i).initialize(to: Atomic(0)) }
    }

    deinit { verified.deallocate() }

    func corrupt(_ offset: Int, _ reason: String) -> StorageError {
        .corrupt(file: file, offset: fileOffset + offset, reason: reason)
    }

    /// The address of verified bytes; throws when they are not inside the section or do not verify.
    @inline(__always)
    func start(_ offset: Int, _ byteCount: Int) throws(StorageError) -> UnsafeRawPointer {
        guard offset >= 0, byteCount >= 0, offset <= count, byteCount <= count &- offset else {
            throw corrupt(offset, "\(byteCount) bytes at \(offset) of a section of \(count)")
        }
        if byteCount > 0 {
            let first = offset / SectionView.checkedByteCount
            let last = (offset &+ byteCount &- 1) / SectionView.checkedByteCount
            // The blocks that share a word with the first, which are all of most.
            let inWord = min(last, first | 63)
            let bits = (UInt64.max &>> UInt64(truncatingIfNeeded: 63 &- inWord &+ first)) &<< UInt64(first & 63)
            let isVerified = verified[first &>> 6].load(ordering: .acquiring) & bits == bits
            if !isVerified || last > inWord { try verify(first...last) }
        }
        return base + offset
    }

    @inline(never)
    private func verify(_ blocks: ClosedRange<Int>) throws(StorageError) {
        for block in blocks {
            let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: block & 63)
            if verified[block &>> 6].load(ordering: .acquiring) & bit == 0 { try verify(block, bit) }
        }
    }

    /// The bytes, to ask for those that are read soon.
    var area: Prefetch.Area { @inline(__always) get { Prefetch.Area(base: base, count: count) } }

    /// Asks for the memory at the offset that stands in the four bytes at an offset, as they are: they are verified
    /// when they are read.
    @inline(__always)
    func prefetchNamed(at offset: Int) {
        guard offset >= 0, offset <= count &- 4 else { return }
        area.line(at: Int(base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    func bytes(_ offset: Int, _ byteCount: Int) throws(StorageError) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: try start(offset, byteCount), count: byteCount)
    }

    /// The whole section, verified.
    func all() throws(StorageError) -> UnsafeRawBufferPointer { try bytes(0, count) }

    private func verify(_ block: Int, _ bit: UInt64) throws(StorageError) {
        let from = block * SectionView.checkedByteCount
        let part = UnsafeRawBufferPointer(
            start: base + from, count: min(SectionView.checkedByteCount, count - from))
        guard CRC32C.checksum(part) == checksums[block] else {
            throw corrupt(from, "checksum of block \(block) does not match")
        }
        verified[block >> 6].bitwiseOr(bit, ordering: .releasing)
    }
}
