// Journals: what is replayed after a crash.

import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// A journal is replayed up to where it ends or is damaged, and every batch of it is encoded documents or refused. With
    /// an odd first byte the checksums of records are made to match first.
    static let journals = FuzzTarget(
        name: "journals",
        seeds: {
            guard let bytes = JournalSeed.make() else { return [] }
            return [[0] + bytes, [1] + bytes, [1] + bytes.prefix(60)]
        },
        run: { bytes in
            guard let first = bytes.first else { return nil }
            var file = Array(bytes.dropFirst())
            if first & 1 == 1 { JournalSeed.renewChecksums(&file) }
            let directory = MemoryDirectory(files: [FileName.journal(1): file])
            let registry = FuzzIndex.registry()
            do throws(StorageError) {
                let replay = try JournalReplay.scan(directory, committedSequence: 0, registry)
                var last: UInt64 = 0
                var isAscending = true
                try replay.forEach { (_, batch, sequence) throws(StorageError) in
                    isAscending = isAscending && sequence >= last
                    last = sequence
                    let inverter = Inverter(registry: registry)
                    try batch.forEach { (index, kind, body) throws(StorageError) in
                        if kind == .put { try inverter.add(body, ordinal: UInt64(index), sequence: sequence) }
                    }
                }
                return isAscending ? nil : "batches out of order"
            } catch {
                return nil
            }
        })
}

private enum JournalSeed {
    static func make() -> [UInt8]? {
        let directory = MemoryDirectory()
        let registry = FuzzIndex.registry()
        do {
            let journal = try JournalWriter(directory, firstSequence: 1)
            for (number, document) in FuzzIndex.documents(3).enumerated() {
                guard let batch = try BatchEncoder.encode(WriteBatch([.put(document)]), registry).batch else {
                    continue
                }
                try batch.withBytes { (bytes) throws(StorageError) in
                    try journal.append(.batch, sequence: UInt64(number + 1), bytes)
                }
            }
            try journal.sync()
            return try directory.read(journal.name)
        } catch {
            return nil
        }
    }

    /// Header and records, as far as they can be followed.
    static func renewChecksums(_ bytes: inout [UInt8]) {
        guard bytes.count >= JournalFormat.headerByteCount else { return }
        put(bytes.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[..<20])) }, &bytes, 20)
        var at = JournalFormat.headerByteCount
        while at + JournalFormat.recordHeaderByteCount <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
            let payload = at + JournalFormat.recordHeaderByteCount
            guard length <= bytes.count - payload else { return }
            let sequence = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[at + 9 + $1]) << UInt64(8 * $1) }
            let checksum = bytes.withUnsafeBytes {
                JournalFormat.checksum(
                    bytes[at + 8], sequence, UnsafeRawBufferPointer(rebasing: $0[payload..<(payload + length)]))
            }
            put(checksum, &bytes, at + 4)
            at = payload + length
        }
    }

    private static func put(_ value: UInt32, _ bytes: inout [UInt8], _ at: Int) {
        for i in 0..<4 { bytes[at + i] = UInt8(truncatingIfNeeded: value >> UInt32(8 * i)) }
    }
}
