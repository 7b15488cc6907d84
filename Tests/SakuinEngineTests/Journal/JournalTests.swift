import Testing

@testable import SakuinEngine

@Suite struct JournalTests {
    private struct Record: Equatable {
        var kind: JournalFormat.Kind
        var sequence: UInt64
        var payload: [UInt8]
    }

    private func write(_ records: [Record], to directory: any Directory) throws -> String {
        let writer = try JournalWriter(directory, firstSequence: 1)
        for record in records {
            try writer.append(record.kind, sequence: record.sequence, record.payload)
        }
        try writer.sync()
        return writer.name
    }

    private func read(_ directory: any Directory, _ name: String) throws -> (records: [Record], end: JournalReader.End)
    {
        var reader = try JournalReader(directory, name)
        var records: [Record] = []
        while let record = try reader.next() {
            records.append(Record(kind: record.kind, sequence: record.sequence, payload: [UInt8](record.payload)))
        }
        #expect(try reader.next() == nil)
        return (records, reader.end)
    }

    private func records(_ count: Int, seed: UInt64) -> [Record] {
        var random = StorageRandom(seed)
        return (1...count).map {
            Record(
                kind: random.next(below: 4) == 0 ? .fieldNames : .batch, sequence: UInt64($0),
                payload: random.bytes(random.next(below: 60)))
        }
    }

    @Test func roundTrip() throws {
        let directory = MemoryDirectory()
        let records = records(100, seed: 1)
        let name = try write(records, to: directory)
        let (found, end) = try read(directory, name)
        #expect(found == records)
        #expect(end.isClean)
        #expect(end.validByteCount == (try directory.size(name)))
        var zeros = try directory.read(name)
        zeros += Array(repeating: 0, count: 5000)
        directory.overwrite(name, with: zeros)
        let padded = try read(directory, name)
        #expect(padded.records == records)
        #expect(padded.end == end, "preallocated room is a clean end")
    }

    /// A check of an open index reads its journal, which a commit may close meanwhile.
    @Test func whatIsBeingReadMayBeClosed() throws {
        let name = "sakuin-journal-\(UInt64.random(in: 0 ... .max))"
        let directory = try DiskDirectory("/tmp/" + name, create: true)
        defer { try? DiskDirectory("/tmp").removeTree(name) }
        let writer = try JournalWriter(directory, firstSequence: 1)
        try writer.append(.batch, sequence: 1, [1, 2, 3])
        try writer.sync()
        let byteCount = try directory.size(writer.name)
        var reader = try JournalReader(directory, writer.name, isBeingWritten: true)
        try writer.close()
        #expect(try directory.size(writer.name) < byteCount, "unused room is cut off")
        #expect(try reader.next().map { Array($0.payload) } == [1, 2, 3])
        while try reader.next() != nil {}
        #expect(reader.end.isClean)
    }

    @Test func everyCutIsAPrefix() throws {
        let directory = MemoryDirectory()
        let records = records(12, seed: 2)
        let name = try write(records, to: directory)
        let bytes = try directory.read(name)
        for length in 0..<bytes.count {
            for tail in [[], [UInt8](repeating: 0, count: 40)] {
                directory.overwrite(name, with: bytes.prefix(length) + tail)
                let (found, end) = try read(directory, name)
                #expect(records.starts(with: found))
                #expect(end.validByteCount <= length + tail.count)
                if length < JournalFormat.headerByteCount {
                    #expect(!end.damaged.isEmpty, "a file has its header before its name")
                } else if length == end.validByteCount {
                    #expect(end.isClean)
                }
            }
        }
    }

    @Test func damageEndsTheRecords() throws {
        let directory = MemoryDirectory()
        let records = records(12, seed: 3)
        let name = try write(records, to: directory)
        let bytes = try directory.read(name)
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            directory.overwrite(name, with: damaged)
            let (found, end) = try read(directory, name)
            if bit / 8 < JournalFormat.headerByteCount {
                #expect(found == records && end.tornReason == nil, "records verify by themselves")
                #expect(end.damaged == [0..<JournalFormat.headerByteCount])
            } else if bit / 8 < bytes.count - JournalFormat.markByteCount {
                #expect(found.count < records.count && found.allSatisfy { records.contains($0) })
                #expect(end.damaged.count == 1, "a mark stands behind it: it was synced once")
                #expect(end.damaged.first?.contains(bit / 8) == true)
                #expect(end.tornReason == nil)
            } else {
                #expect(found == records)
                #expect(end.damaged.isEmpty && end.tornReason != nil)
            }
        }
    }

    @Test func sequencesDoNotDescend() throws {
        let directory = MemoryDirectory()
        let name = try write(
            [
                Record(kind: .batch, sequence: 5, payload: [1]), Record(kind: .batch, sequence: 4, payload: [2]),
            ], to: directory)
        let (found, end) = try read(directory, name)
        #expect(found.map(\.sequence) == [5])
        #expect(!end.isClean)
    }

    @Test func syncedRecordsSurviveACrash() throws {
        for seed in 0..<UInt64(60) {
            let directory = MemoryDirectory()
            let writer = try JournalWriter(directory, firstSequence: 1)
            var random = StorageRandom(seed)
            var durable = 0
            for sequence in 1...40 {
                try writer.append(
                    .batch, sequence: UInt64(sequence), random.bytes(random.next(below: 50)))
                if random.next(below: 3) == 0 { try writer.flush() }
                if random.next(below: 5) == 0 {
                    try writer.sync()
                    durable = sequence
                }
            }
            let crashed = directory.copyAfterCrash(seed: seed)
            let (found, _) = try read(crashed, writer.name)
            #expect(found.count >= durable)
            #expect(found.map(\.sequence) == Array(1...40).prefix(found.count).map { UInt64($0) })
        }
    }

    @Test func afterAFailureNothingIsAcknowledged() throws {
        for operations in 3..<20 {
            let memory = MemoryDirectory()
            let directory = FaultDirectory(memory, .full(after: operations))
            guard let writer = try? JournalWriter(directory, firstSequence: 1) else { continue }
            var acknowledged: UInt64 = 0
            for sequence in 1...30 {
                do throws(StorageError) {
                    try writer.append(.batch, sequence: UInt64(sequence), [UInt8(sequence)])
                    try writer.sync()
                    acknowledged = UInt64(sequence)
                } catch { #expect(directory.hasFailed) }
            }
            let (found, _) = try read(memory.copyAfterCrash(), writer.name)
            #expect(found.map(\.sequence).last ?? 0 == acknowledged)
        }
    }

    /// One write or sync that fails is enough, though the disk takes the next: what the file holds is not known any more.
    @Test(arguments: [FaultDirectory.Operation.write, .sync]) func afterAFailureNothingMoreIsTaken(
        kind: FaultDirectory.Operation
    ) throws {
        let directory = FaultDirectory(MemoryDirectory())
        let writer = try JournalWriter(directory, firstSequence: 1)
        try writer.append(.batch, sequence: 1, [1])
        directory.arm(FaultDirectory.Plan(first: 0, kinds: [kind]))
        let failure = try #require(throws: StorageError.self) { try writer.sync() }
        let path = "\(directory.path)/\(FileName.temporary(writer.name))"
        #expect(failure == .io(operation: "\(kind)", path: path, errno: 5))
        #expect(throws: failure) { try writer.append(.batch, sequence: 2, [2]) }
        #expect(throws: failure) { try writer.flush() }
        #expect(throws: failure) { try writer.sync() }
    }

    /// What a document says is no mark, though it be the bytes of one from another place of a journal; nor is a mark that
    /// cannot come next.
    @Test func documentsMakeNoMarks() throws {
        func mark(at offset: Int, _ sequence: UInt64) -> [UInt8] {
            let payload = withUnsafeBytes(of: UInt64(offset).littleEndian) { [UInt8]($0) }
            var bytes = ByteWriter()
            payload.withUnsafeBytes { payload in
                bytes.append32(UInt32(payload.count))
                bytes.append32(JournalFormat.checksum(JournalFormat.Kind.synced.rawValue, sequence, payload))
                bytes.append(JournalFormat.Kind.synced.rawValue)
                bytes.append64(sequence)
                bytes.append(bytes: payload)
            }
            return bytes.array()
        }
        let begin = JournalFormat.headerByteCount + JournalFormat.recordHeaderByteCount
        for payload in [mark(at: begin + 1, 1), mark(at: 0, 1), mark(at: begin, 0)] {
            let directory = MemoryDirectory()
            let writer = try JournalWriter(directory, firstSequence: 1)
            try writer.append(.batch, sequence: 1, payload)
            try writer.flush()
            var bytes = try directory.read(writer.name)
            // A tail that was never synced: the length of its record is torn.
            bytes[JournalFormat.headerByteCount + 4] ^= 1
            directory.overwrite(writer.name, with: bytes)
            let (found, end) = try read(directory, writer.name)
            #expect(found.isEmpty && end.damaged.isEmpty && end.tornReason != nil)
            #expect(end.validByteCount == JournalFormat.headerByteCount)
        }
    }

    /// A file whose header is that of another one is not read in its place.
    @Test func aFileUnderAnotherNameIsDamage() throws {
        let directory = MemoryDirectory()
        let name = try write(records(3, seed: 4), to: directory)
        let bytes = try directory.read(name)
        directory.overwrite(FileName.journal(2), with: bytes)
        let (found, end) = try read(directory, FileName.journal(2))
        #expect(found.isEmpty && end.damaged == [0..<bytes.count])
    }

    @Test func filesComeAndGo() throws {
        let directory = MemoryDirectory()
        let names = Monitor(["title"])
        let journal = try Journal(directory, durableNameCount: 1) { names.read { $0 } }
        try journal.begin(firstSequence: 1, recentKeys: [])
        func append(_ sequence: UInt64) throws {
            try journal.append(sequence: sequence, batch: [UInt8(sequence)])
            try journal.sync()
        }
        try append(1)
        names.change { $0 += ["pages", "日付"] }
        try append(2)
        try append(3)
        try journal.rotate(firstSequence: 4, recentKeys: [])
        try journal.rotate(firstSequence: 4, recentKeys: [])
        try append(4)
        try journal.rotate(firstSequence: 5, recentKeys: [])
        #expect(try Journal.files(in: directory) == [1, 4, 5].map { FileName.journal($0) })
        let (found, end) = try read(directory, FileName.journal(1))
        #expect(end.isClean)
        #expect(found.map(\.kind) == [.batch, .fieldNames, .batch, .batch])
        var reader = try JournalReader(directory, FileName.journal(1))
        while let record = try reader.next() {
            guard record.kind == .fieldNames else { continue }
            let decoded = try Journal.decodeNames(record, file: reader.file)
            #expect(decoded.first == 1)
            #expect(decoded.names == ["pages", "日付"])
        }
        journal.removeFiles(coveredBy: 2)
        #expect(try Journal.files(in: directory).count == 3)
        journal.removeFiles(coveredBy: 3)
        #expect(try Journal.files(in: directory) == [4, 5].map { FileName.journal($0) })
        journal.close()
        let again = try Journal(directory, older: try Journal.files(in: directory), durableNameCount: 3) {
            names.read { $0 }
        }
        try again.begin(firstSequence: 5, recentKeys: [])
        try again.append(sequence: 5, batch: [5])
        try again.sync()
        let kinds = try read(directory, FileName.journal(5)).records.map(\.kind)
        #expect(kinds == [.fieldNames, .batch], "a file that is replaced may have held names")
        again.removeFiles(coveredBy: 4)
        #expect(try Journal.files(in: directory) == [FileName.journal(5)])
    }
}
