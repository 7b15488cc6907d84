/// A document to its value in one column, or to its keywords (`lists`).
final class Column: Sendable {
    let kind: ColumnKind
    /// Documents that have a value.
    let valueCount: Int
    let documentCount: Int
    private let section: SectionView
    /// Addresses inside `section`, which keeps them mapped and which nobody writes to.
    private nonisolated(unsafe) let presence: UnsafeRawPointer?
    private nonisolated(unsafe) let stringEnds: UnsafeRawPointer?
    private nonisolated(unsafe) let strings: UnsafeRawPointer?
    private nonisolated(unsafe) let values: ValueBlocks
    let stringCount: Int
    /// Where documents have several keywords: these. The value of a document is then where its list ends.
    let lists: KeywordLists?

    init(_ section: SectionView, _ entry: ColumnSet.Entry, documentCount: Int) throws(StorageError) {
        self.section = section
        self.documentCount = documentCount
        kind = entry.kind
        let bytes = try section.bytes(entry.offset, entry.byteCount)
        var reader = ByteReader(bytes, file: section.file, base: section.fileOffset + entry.offset)
        let rankCount = entry.kind == .keywordSet ? try KeywordLists.readCount(&reader) : nil
        valueCount = Int(try reader.read32())
        guard valueCount <= documentCount else { throw reader.corrupt("\(valueCount) values") }
        if try reader.read8() == 1 {
            guard valueCount == documentCount else { throw reader.corrupt("\(valueCount) values") }
            presence = nil
        } else {
            presence = try reader.readBytes((documentCount + 63) / 64 * 12).baseAddress
        }
        if entry.kind.isKeyword {
            stringCount = Int(try reader.read32())
            guard stringCount <= rankCount ?? valueCount, stringCount > 0 else {
                throw reader.corrupt("\(stringCount) strings")
            }
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
        if let rankCount {
            values = try ValueBlocks.readSized(&reader, count: valueCount)
            let ranks = try ValueBlocks(&reader, count: rankCount, byteCount: reader.remaining)
            lists = KeywordLists(ends: values, ranks: ranks, stringCount: stringCount, section)
        } else {
            values = try ValueBlocks(&reader, count: valueCount, byteCount: reader.remaining)
            lists = nil
        }
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

    /// Which of those with a value a document is; nil when it has none.
    @inline(__always)
    func place(of document: UInt32) -> Int? {
        guard Int(document) < documentCount else { return nil }
        var place = Int(document)
        if let presence {
            let (before, bits) = self.presence(presence, ofGroup: place &>> 6)
            let bit = UInt64(document & 63)
            guard bits &>> bit & 1 == 1 else { return nil }
            place = before &+ (bits & ((1 &<< bit) &- 1)).nonzeroBitCount
        }
        return place < valueCount ? place : nil
    }

    /// The value of a document; nil when it has none.
    @inline(__always)
    func value(_ document: UInt32) -> Int64? {
        guard let place = place(of: document) else { return nil }
        return values.value(place)
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
            if wanted != 0, values.mayHold(before, bits.nonzeroBitCount, range) {
                while wanted != 0 {
                    let bit = wanted.trailingZeroBitCount
                    wanted &= wanted &- 1
                    let place = before &+ (bits & ((1 &<< UInt64(bit)) &- 1)).nonzeroBitCount
                    let value = values.value(place)
                    out[kept] = UInt32(truncatingIfNeeded: group &* 64 &+ bit)
                    kept &+= value >= range.lowerBound && value <= range.upperBound ? 1 : 0
                }
            }
            group &+= 1
        }
        return kept
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
