/// A document to its value in one column.
final class Column: Sendable {
    private static let blockStride = 25

    let kind: ColumnKind
    let valueCount: Int
    private let documentCount: Int
    private let section: SectionView
    /// Addresses inside `section`, which keeps them mapped and which nobody writes to.
    private nonisolated(unsafe) let presence: UnsafeRawPointer?
    private nonisolated(unsafe) let stringEnds: UnsafeRawPointer?
    private nonisolated(unsafe) let strings: UnsafeRawPointer?
    private nonisolated(unsafe) let blocks: UnsafeRawPointer
    private nonisolated(unsafe) let data: UnsafeRawPointer
    private let dataByteCount: Int
    let stringCount: Int

    init(_ section: SectionView, _ entry: ColumnSet.Entry, documentCount: Int) throws(StorageError) {
        self.section = section
        self.documentCount = documentCount
        kind = entry.kind
        let bytes = try section.bytes(entry.offset, entry.byteCount)
        var reader = ByteReader(bytes, file: section.file, base: section.fileOffset + entry.offset)
        valueCount = Int(try reader.read32())
        guard valueCount <= documentCount else { throw reader.corrupt("\(valueCount) values") }
        if try reader.read8() == 1 {
            guard valueCount == documentCount else { throw reader.corrupt("\(valueCount) values") }
            presence = nil
        } else {
            presence = try reader.readBytes((documentCount + 63) / 64 * 12).baseAddress
        }
        if entry.kind == .keyword {
            stringCount = Int(try reader.read32())
            guard stringCount <= valueCount, stringCount > 0 else { throw reader.corrupt("\(stringCount) strings") }
            let ends = try reader.readBytes(stringCount * 4)
            stringEnds = ends.baseAddress
            var end = 0
            for i in 0..<stringCount {
                let next = Int(ends.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self))
                guard next >= end else { throw reader.corrupt("strings out of order") }
                end = next
            }
            strings = try reader.readBytes(end).baseAddress ?? ends.baseAddress
        } else {
            stringCount = 0
            stringEnds = nil
            strings = nil
        }
        let blockCount = (valueCount + ColumnSetWriter.blockValueCount - 1) / ColumnSetWriter.blockValueCount
        let table = try reader.readBytes(blockCount * Self.blockStride)
        dataByteCount = reader.remaining
        guard let start = table.baseAddress ?? bytes.baseAddress else { throw reader.corrupt("empty column") }
        blocks = start
        data = start + table.count
        for block in 0..<blockCount { try check(block) }
    }

    private func check(_ block: Int) throws(StorageError) {
        let at = block * Self.blockStride
        let offset = blocks.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)
        let width = Int(blocks.load(fromByteOffset: at + 24, as: UInt8.self))
        let count = min(ColumnSetWriter.blockValueCount, valueCount - block * ColumnSetWriter.blockValueCount)
        guard width <= 8, width.nonzeroBitCount <= 1, offset <= UInt64(dataByteCount),
            count * width <= dataByteCount - Int(offset)
        else { throw section.corrupt(0, "column block \(block) out of place") }
    }

    /// One block of values, ready to be read.
    private struct Block {
        var least: Int64
        var greatest: Int64
        var width: Int
        var data: UnsafeRawPointer

        /// `place` counts from the block's first value.
        @inline(__always)
        func value(_ place: Int) -> Int64 {
            let rest: UInt64 =
                switch width {
                case 0: 0
                case 1: UInt64(data.load(fromByteOffset: place, as: UInt8.self))
                case 2: UInt64(UInt16(littleEndian: data.loadUnaligned(fromByteOffset: place &* 2, as: UInt16.self)))
                case 4: UInt64(UInt32(littleEndian: data.loadUnaligned(fromByteOffset: place &* 4, as: UInt32.self)))
                default: UInt64(littleEndian: data.loadUnaligned(fromByteOffset: place &* 8, as: UInt64.self))
                }
            return least &+ Int64(bitPattern: rest)
        }
    }

    /// `number` is that of a block.
    @inline(__always)
    private func block(_ number: Int) -> Block {
        let at = blocks + number &* Self.blockStride
        let offset = UInt64(littleEndian: at.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        return Block(
            least: Int64(littleEndian: at.loadUnaligned(as: Int64.self)),
            greatest: Int64(littleEndian: at.loadUnaligned(fromByteOffset: 8, as: Int64.self)),
            width: Int(at.load(fromByteOffset: 24, as: UInt8.self)), data: data + Int(truncatingIfNeeded: offset))
    }

    /// Values of documents before a group of 64, and which of the group have one.
    @inline(__always)
    private func presence(_ presence: UnsafeRawPointer, ofGroup group: Int) -> (before: Int, bits: UInt64) {
        let at = presence + group &* 12
        return (
            Int(UInt32(littleEndian: at.loadUnaligned(as: UInt32.self))),
            UInt64(littleEndian: at.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
        )
    }

    /// The value of a document; nil when it has none.
    @inline(__always)
    func value(_ document: UInt32) -> Int64? {
        guard Int(document) < documentCount else { return nil }
        var place = Int(document)
        if let presence {
            let (before, bits) = self.presence(presence, ofGroup: place &>> 6)
            let bit = UInt64(document & 63)
            guard bits &>> bit & 1 == 1 else { return nil }
            place = before &+ (bits & ((1 &<< bit) &- 1)).nonzeroBitCount
        }
        guard place < valueCount else { return nil }
        return block(place / ColumnSetWriter.blockValueCount).value(place % ColumnSetWriter.blockValueCount)
    }

    /// Keeps those of `count` documents whose value lies in the range; returns how many.
    func filter(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ range: ClosedRange<Int64>) -> Int {
        var kept = 0
        for i in 0..<count {
            let document = documents[i]
            guard let value = value(document), value >= range.lowerBound, value <= range.upperBound else { continue }
            documents[kept] = document
            kept &+= 1
        }
        return kept
    }

    /// Writes up to 128 documents from `target` on whose value lies in the range, ascending and leaving none out;
    /// returns how many, 0 at the end. Blocks of values that all lie outside are passed over.
    func next(
        from target: UInt32, in range: ClosedRange<Int64>, into out: UnsafeMutablePointer<UInt32>
    ) -> Int {
        var kept = 0
        var group = Int(target >> 6)
        var mask = UInt64.max &<< UInt64(target & 63)
        while group &* 64 < documentCount, kept <= 64 {
            let rest = documentCount &- group &* 64
            let inside: UInt64 = rest >= 64 ? .max : (1 &<< UInt64(rest)) &- 1
            var (before, bits) = (group &* 64, inside)
            if let presence { (before, bits) = self.presence(presence, ofGroup: group) }
            bits &= inside
            // Hostile counts read no value that is not there.
            guard before >= 0, before &+ bits.nonzeroBitCount <= valueCount else { return kept }
            var wanted = bits & mask
            mask = .max
            if wanted != 0, mayHold(before, bits.nonzeroBitCount, range) {
                while wanted != 0 {
                    let bit = wanted.trailingZeroBitCount
                    wanted &= wanted &- 1
                    let place = before &+ (bits & ((1 &<< UInt64(bit)) &- 1)).nonzeroBitCount
                    let value = block(place / ColumnSetWriter.blockValueCount)
                        .value(place % ColumnSetWriter.blockValueCount)
                    out[kept] = UInt32(truncatingIfNeeded: group &* 64 &+ bit)
                    kept &+= value >= range.lowerBound && value <= range.upperBound ? 1 : 0
                }
            }
            group &+= 1
        }
        return kept
    }

    /// Whether any of `count` (1...64) values from `place` on can lie in the range, by the bounds of their blocks.
    @inline(__always)
    private func mayHold(_ place: Int, _ count: Int, _ range: ClosedRange<Int64>) -> Bool {
        for number in place / ColumnSetWriter.blockValueCount...(place &+ count &- 1) / ColumnSetWriter.blockValueCount
        {
            let block = block(number)
            if block.least <= range.upperBound, block.greatest >= range.lowerBound { return true }
        }
        return false
    }

    /// The bytes of a keyword by its rank, in the mapped section; none when there is no such rank.
    private func bytes(_ rank: Int64) -> UnsafeRawBufferPointer {
        guard let stringEnds, let strings, rank >= 0, rank < stringCount else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        func end(_ i: Int) -> Int { Int(stringEnds.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self)) }
        let from = rank == 0 ? 0 : end(Int(rank) - 1)
        return UnsafeRawBufferPointer(start: strings + from, count: end(Int(rank)) - from)
    }

    /// The bytes of a keyword by its rank.
    func string(_ rank: Int64) -> [UInt8] { [UInt8](bytes(rank)) }

    /// Orders a keyword and one of another column by their bytes: below 0, 0 or above 0.
    func compare(_ rank: UInt32, _ other: Column, _ otherRank: UInt32) -> Int {
        let (a, b) = (bytes(Int64(rank)), other.bytes(Int64(otherRank)))
        for i in 0..<min(a.count, b.count) where a[i] != b[i] { return a[i] < b[i] ? -1 : 1 }
        return a.count - b.count
    }

    /// Hands the values of `count` documents to `body` and leaves the documents that have none at the front; returns how many
    /// these are.
    @inline(__always)
    func takeValues(
        of documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ body: (Int64) -> Void
    ) -> Int {
        var left = 0
        for i in 0..<count {
            if let value = value(documents[i]) {
                body(value)
            } else {
                documents[left] = documents[i]
                left &+= 1
            }
        }
        return left
    }

    /// What a document with a rank that no string has is a sign of.
    var damagedRank: StorageError { section.corrupt(0, "a keyword without a string") }

    /// The first rank whose string is not below `text`, the number of strings when there is none.
    func rank(of text: [UInt8]) -> Int64 {
        var low = 0
        var high = stringCount
        while low < high {
            let middle = (low + high) / 2
            if string(Int64(middle)).lexicographicallyPrecedes(text) { low = middle + 1 } else { high = middle }
        }
        return Int64(low)
    }
}
