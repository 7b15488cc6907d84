/// The tokens of one text field of the documents of a chunk.
struct FieldInverter: ~Copyable, TokenSink {
    /// Characters with their frequency, edges, bigrams and words; keys without field and kind.
    var characters = PostingTriples()
    var edges = PostingTriples()
    var bigrams = PostingTriples()
    var words = PostingTriples()
    var interner = WordInterner()
    /// Length codes by document, as far as documents had the field.
    var norms = ByteWriter()
    var statistics = FieldStatistics()

    private var document: UInt32 = 0
    private let stamps: CharacterStamps

    init(stamps: CharacterStamps) { self.stamps = stamps }

    var byteCount: Int {
        characters.byteCount + edges.byteCount + bigrams.byteCount + words.byteCount + interner.byteCount
    }

    /// Bytes of the triples that are there, which is what a chunk is cut by.
    var tripleByteCount: Int { (characters.count + edges.count + bigrams.count + words.count) * 16 }

    /// The largest run, for which the sort needs as much again.
    var sortByteCount: Int { max(characters.count, edges.count, bigrams.count, words.count) * 16 }

    /// Starts the field of a document above all before.
    mutating func begin(_ document: UInt32) {
        self.document = document
        stamps.next()
    }

    /// Ends it; its length is half the position behind its last unit: its units, and half its gaps.
    mutating func end(nextPosition: UInt32) {
        while norms.count < Int(document) { norms.append(0) }
        norms.append(LengthCode.encode(nextPosition / 2))
        statistics.documentCount += 1
        statistics.lengthSum += Int(nextPosition / 2)
    }

    mutating func character(_ scalar: UInt32) {
        if let place = stamps.place(of: scalar, orSet: characters.count) {
            characters.base[place].position &+= 1
        } else {
            characters.append(UInt64(scalar), document, 1)
        }
    }

    mutating func edge(_ scalar: UInt32, position: UInt32) { edges.append(UInt64(scalar), document, position) }

    mutating func bigram(_ first: UInt32, _ second: UInt32, position: UInt32) {
        bigrams.append(UInt64(first) &<< 21 | UInt64(second), document, position)
    }

    mutating func word(_ bytes: UnsafeBufferPointer<UInt8>, position: UInt32) {
        words.append(UInt64(interner.number(of: bytes)), document, position)
    }

    mutating func removeAll() {
        characters.removeAll()
        edges.removeAll()
        bigrams.removeAll()
        words.removeAll()
        interner.removeAll()
        norms.removeAll()
        statistics = FieldStatistics()
    }
}

/// A place for the triples of one field, which cannot stand in an array themselves.
final class FieldSlot {
    var inverter: FieldInverter

    init(stamps: CharacterStamps) { inverter = FieldInverter(stamps: stamps) }
}

/// Where each character was seen in the current document and field: a stamp and a place by scalar. One per lane.
final class CharacterStamps {
    /// CJK scripts end far below.
    private static let scalarCount = 0x40000
    private let entries: UnsafeMutablePointer<UInt64>
    private var stamp: UInt64 = 0

    init() {
        entries = .allocate(capacity: Self.scalarCount)
        entries.initialize(repeating: 0, count: Self.scalarCount)
    }

    deinit { entries.deallocate() }

    /// Forgets all places.
    func next() {
        stamp += 1
        if stamp == UInt64(UInt32.max) {
            entries.update(repeating: 0, count: Self.scalarCount)
            stamp = 1
        }
    }

    /// The place remembered for the scalar since `next`; else nil, and `fresh` is remembered.
    @inline(__always)
    func place(of scalar: UInt32, orSet fresh: Int) -> Int? {
        let entry = entries + Int(scalar & 0x3FFFF)
        if entry.pointee &>> 32 == stamp { return Int(entry.pointee & 0xFFFF_FFFF) }
        entry.pointee = stamp &<< 32 | UInt64(truncatingIfNeeded: fresh)
        return nil
    }
}
