/// The tokens of one text field of the documents of a chunk.
struct FieldInverter: ~Copyable, TokenSink {
    /// A stream for each character: its documents, where it stands, and what stands behind it.
    private(set) var characters: TokenStreams
    private(set) var numbers = CharacterNumbers()
    /// A stream for each word: its documents, where it stands, and the CJK characters beside it.
    private(set) var words: TokenStreams
    private(set) var interner = WordInterner()
    /// Whether characters are single units, under analyzer `words`: no frequencies, no bigrams.
    private(set) var hasUnits = false
    /// Length codes by document, as far as documents had the field.
    private(set) var norms = ByteWriter()
    private(set) var statistics = FieldStatistics()

    private var document: UInt32 = 0
    private let hasLinks: Bool

    /// `hasLinks`: whether grams and pairs are to have links.
    init(_ arena: TokenArena, hasLinks: Bool) {
        self.hasLinks = hasLinks
        let layout = hasLinks ? TokenLayout.withLinks : .withoutLinks
        characters = TokenStreams(arena, layout)
        words = TokenStreams(arena, layout)
    }

    /// Bytes besides those of the arena.
    var byteCount: Int {
        characters.byteCount + numbers.byteCount + words.byteCount + interner.byteCount + norms.capacity
    }

    /// Starts the field of a document above all before; false when the document has had it: its first value counts.
    mutating func begin(_ document: UInt32) -> Bool {
        if norms.count > Int(document) { return false }
        self.document = document
        return true
    }

    /// Ends it; its length is half the position behind its last unit: its units, and half its gaps.
    mutating func end(nextPosition: UInt32) {
        while norms.count < Int(document) { norms.append(0) }
        norms.append(LengthCode.encode(nextPosition / 2))
        statistics.documentCount += 1
        statistics.lengthSum += Int(nextPosition / 2)
    }

    @inline(__always)
    private mutating func number(_ scalar: UInt32) -> Int { numbers.number(scalar) ?? add(scalar) }

    @inline(never)
    private mutating func add(_ scalar: UInt32) -> Int {
        numbers.add(scalar)
        return characters.add()
    }

    @inline(__always)
    mutating func run(
        _ codes: UnsafePointer<UInt32>, _ count: Int, position: UInt32, firstIsEdge: Bool, lastIsEdge: Bool
    ) {
        let document = document
        var position = position
        var held = number(codes[0] & UnitBuffer.scalarMask)
        var edge: UInt32 = firstIsEdge ? 1 : 0
        for i in 1..<count {
            let next = number(codes[i] & UnitBuffer.scalarMask)
            characters.append(
                to: held, document, position: position, second: UInt32(truncatingIfNeeded: next), edge: edge,
                link: hasLinks ? nil : 0)
            position &+= 2
            held = next
            edge = 0
        }
        edge |= lastIsEdge ? 1 : 0
        characters.append(to: held, document, position: position, second: .max, edge: edge)
    }

    /// Which occurrence of a character the next is, or one so far before it; 0 without links.
    private func link(of number: Int, behind count: UInt32 = 0) -> UInt32 {
        hasLinks ? characters.eventCount(of: number, in: document) &- count : 0
    }

    mutating func unit(_ scalar: UInt32, position: UInt32) {
        hasUnits = true
        characters.append(to: number(scalar), document, position: position, second: .max, edge: 1)
    }

    mutating func word(
        _ bytes: UnsafeBufferPointer<UInt8>, position: UInt32, before: UInt32?, behind: UInt32?
    ) {
        let number = Int(interner.number(of: bytes))
        if number == words.count { _ = words.add() }
        let next = behind.map { self.number($0) }
        words.append(
            to: number, document, position: position, second: next.map { UInt32(truncatingIfNeeded: $0) } ?? .max,
            edge: 1, link: next.map { link(of: $0) } ?? 0)
        guard let before else { return }
        // The character before was appended last.
        let last = self.number(before)
        words.append(
            to: number, document, position: position, second: UInt32(truncatingIfNeeded: last), edge: 0,
            link: link(of: last, behind: 1))
    }

    mutating func removeAll() {
        characters.removeAll()
        numbers.removeAll()
        words.removeAll()
        interner.removeAll()
        norms.removeAll()
        hasUnits = false
        statistics = FieldStatistics()
    }
}

/// A place for the tokens of one field, which cannot stand in an array themselves.
final class FieldSlot {
    var inverter: FieldInverter

    init(_ arena: TokenArena, hasLinks: Bool) { inverter = FieldInverter(arena, hasLinks: hasLinks) }
}
