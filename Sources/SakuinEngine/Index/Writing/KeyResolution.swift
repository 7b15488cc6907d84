// Which documents a refresh kills: the last operation on a key wins, all earlier documents of that key die.
//
// 1. Every put and delete since the last refresh becomes (key hash, ordinal); they are sorted.
// 2. Within the operations of one key all puts but the last operation die, in the new segments.
// 3. Every key is looked up in the segments that were there before; what is found there dies.

/// A new segment with what is needed to order its documents among the operations.
struct NewSegment {
    let reader: SegmentReader
    let sealed: SealedSegment
}

struct KeyResolution {
    /// Dead documents by new segment, unordered.
    private(set) var deadInNew: [[UInt32]]
    /// Dead documents by segment that was there before, unordered.
    private(set) var deadInOld: [[UInt32]]

    private struct Operation {
        var hash: UInt64
        var ordinal: UInt64
        /// Number of the new segment, or -1: a deletion, whose number is in `document`.
        var segment: Int32
        var document: UInt32
    }

    /// Bytes that sorting the operations takes, with what they are made of.
    static func memoryByteCount(_ sealed: [SealedSegment], _ deletions: [KeyDeletion]) -> Int {
        let kept = sealed.reduce(0) { $0 + $1.memoryByteCount } + deletions.reduce(0) { $0 + 64 + $1.key.count }
        let count = sealed.reduce(deletions.count) { $0 + $1.ordinals.count }
        return kept + 2 * count * MemoryLayout<Operation>.stride
    }

    private let new: [NewSegment]
    private let old: [SnapshotSegment]
    private let deletions: [KeyDeletion]

    init(new: [NewSegment], deletions: [KeyDeletion], old: [SnapshotSegment]) throws(StorageError) {
        self.new = new
        self.old = old
        self.deletions = deletions
        deadInNew = Array(repeating: [], count: new.count)
        deadInOld = Array(repeating: [], count: old.count)
        let operations = self.operations().sorted { ($0.hash, $0.ordinal) < ($1.hash, $1.ordinal) }
        var from = 0
        while from < operations.count {
            var to = from + 1
            while to < operations.count, operations[to].hash == operations[from].hash { to += 1 }
            try resolve(operations[from..<to])
            from = to
        }
    }

    private func operations() -> [Operation] {
        var operations: [Operation] = []
        operations.reserveCapacity(new.reduce(deletions.count) { $0 + $1.sealed.ordinals.count })
        for (number, segment) in new.enumerated() {
            for (document, ordinal) in segment.sealed.ordinals.enumerated() {
                operations.append(
                    Operation(
                        hash: segment.sealed.keyHashes[document], ordinal: ordinal, segment: Int32(number),
                        document: UInt32(document)))
            }
        }
        for (number, deletion) in deletions.enumerated() {
            let hash = deletion.key.withUnsafeBytes { KeyHash.hash($0) }
            operations.append(
                Operation(hash: hash, ordinal: deletion.ordinal, segment: -1, document: UInt32(number)))
        }
        return operations
    }

    private func key(of operation: Operation) throws(StorageError) -> [UInt8] {
        if operation.segment < 0 { return deletions[Int(operation.document)].key }
        return try new[Int(operation.segment)].reader.keys.key(operation.document)
    }

    /// Operations of one hash, in order; nearly always of one key.
    private mutating func resolve(_ group: ArraySlice<Operation>) throws(StorageError) {
        guard let first = group.first else { return }
        if group.count == 1 {
            if old.isEmpty { return }
            try killOld(try key(of: first), first.hash)
            return
        }
        var last: [[UInt8]: Operation] = [:]
        for operation in group {
            let key = try key(of: operation)
            if let before = last[key], before.segment >= 0 { deadInNew[Int(before.segment)].append(before.document) }
            last[key] = operation
        }
        for key in last.keys { try killOld(key, first.hash) }
    }

    private mutating func killOld(_ key: [UInt8], _ hash: UInt64) throws(StorageError) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: key.count, alignment: 1)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: key)
        for (number, segment) in old.enumerated() {
            if let document = try segment.livingDocument(UnsafeRawBufferPointer(bytes), hash: hash) {
                deadInOld[number].append(document)
            }
        }
    }
}
