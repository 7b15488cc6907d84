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
        bytes.put(bytes.checksum(of: 0..<20), at: 20)
        var at = JournalFormat.headerByteCount
        while let length = bytes.number(at: at, width: 4), let sequence = bytes.number(at: at + 9, width: 8) {
            let (payload, length) = (at + JournalFormat.recordHeaderByteCount, Int(length))
            guard length <= bytes.count - payload else { return }
            let checksum = bytes.withUnsafeBytes {
                JournalFormat.checksum(
                    bytes[at + 8], sequence, UnsafeRawBufferPointer(rebasing: $0[payload..<(payload + length)]))
            }
            bytes.put(checksum, at: at + 4)
            at = payload + length
        }
    }
}
