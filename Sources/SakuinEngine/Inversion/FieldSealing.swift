// Sorted triples of a field to posting lists.

extension FieldInverter {
    /// Analyses a text into this field's triples; returns the position behind its last unit.
    mutating func index(
        _ text: UnsafeBufferPointer<UInt8>, _ analyzer: Analyzer, _ scratch: UnitBuffer
    ) throws(TextError) -> UInt32 {
        try analyzer.index(text, scratch: scratch, positionBase: 0, sink: &self).nextPosition
    }

    private var lengths: FieldLengths {
        FieldLengths(
            norms: norms.start.assumingMemoryBound(to: UInt8.self), documentCount: statistics.documentCount,
            lengthSum: statistics.lengthSum)
    }

    /// Scalars have 18 bits that differ, see `CharacterStamps`.
    private static var characterKeyBits: Int { 18 }
    private static var bigramKeyBits: Int { 39 }

    /// Writes the grams of the field; called for the fields in order. Per first character its list, its edges and its
    /// bigrams; under analyzer `words` there are units alone.
    mutating func write(
        field: Int, documentCount: Int, to terms: inout TermSections, _ scratch: inout PostingTriples
    ) throws(StorageError) {
        while norms.count < documentCount { norms.append(0) }
        let lengths = lengths
        characters.sort(keyBits: Self.characterKeyBits, scratch: &scratch)
        edges.sort(keyBits: Self.characterKeyBits, scratch: &scratch)
        bigrams.sort(keyBits: Self.bigramKeyBits, scratch: &scratch)
        let edgeKind: GramKey.Kind = characters.count == 0 ? .unit : .edge
        var (character, edge, bigram) = (0, 0, 0)
        var places = CodeBuffer()
        while character < characters.count || edge < edges.count {
            let first = UInt32(truncatingIfNeeded: min(characters.key(character), edges.key(edge)))
            if characters.key(character) == UInt64(first) {
                let key = GramKey.make(field: field, kind: .character, first)
                terms.beginGram(key, lengths)
                character = Self.addFrequencies(characters, from: character, to: &terms)
                try terms.endGram()
            }
            if edges.key(edge) == UInt64(first) {
                terms.beginGram(GramKey.make(field: field, kind: edgeKind, first), lengths)
                edge = Self.addPositions(edges, from: edge, &places, to: &terms)
                try terms.endGram()
            }
            while bigrams.key(bigram) &>> 21 == UInt64(first) {
                let second = UInt32(truncatingIfNeeded: bigrams.key(bigram)) & 0x1F_FFFF
                terms.beginGram(GramKey.make(field: field, kind: .bigram, first, second), lengths)
                bigram = Self.addPositions(bigrams, from: bigram, &places, to: &terms)
                try terms.endGram()
            }
        }
    }

    /// Writes the words of the field; called for the fields in order.
    mutating func writeWords(
        field: Int, to terms: inout TermSections, _ scratch: inout PostingTriples
    ) throws(StorageError) {
        let lengths = lengths
        let numbers = interner.sortedNumbers()
        // Ranks instead of numbers, so that sorting by key is sorting by word.
        var ranks = [UInt32](repeating: 0, count: numbers.count)
        for (rank, number) in numbers.enumerated() { ranks[number] = UInt32(rank) }
        for i in 0..<words.count {
            words.base[i].key = UInt64(ranks[Int(truncatingIfNeeded: words.base[i].key)])
        }
        words.sort(keyBits: 64 - UInt64(numbers.count).leadingZeroBitCount, scratch: &scratch)
        var key = ByteWriter()
        var i = 0
        var places = CodeBuffer()
        while i < words.count {
            let rank = words.base[i].key
            terms.beginWord(lengths)
            i = Self.addPositions(words, from: i, &places, to: &terms)
            key.removeAll()
            key.append(UInt8(truncatingIfNeeded: field >> 8))
            key.append(UInt8(truncatingIfNeeded: field))
            interner.withWord(numbers[Int(rank)]) { key.append(bytes: $0) }
            try terms.endWord(UnsafeRawBufferPointer(start: key.start, count: key.count))
        }
    }

    /// Adds the documents of the character at `from`, whose position is the frequency; returns where the next begins.
    private static func addFrequencies(
        _ triples: borrowing PostingTriples, from: Int, to terms: inout TermSections
    ) -> Int {
        let (base, count) = (triples.base, triples.count)
        let key = base[from].key
        var i = from
        while i < count, base[i].key == key {
            terms.add(base[i].document, frequency: base[i].position, positions: nil)
            i &+= 1
        }
        return i
    }

    /// Adds the documents of the key at `from`; returns where the next key begins.
    @inline(__always)
    private static func addPositions(
        _ triples: borrowing PostingTriples, from: Int, _ places: inout CodeBuffer, to terms: inout TermSections
    ) -> Int {
        let (base, count) = (triples.base, triples.count)
        let key = base[from].key
        var i = from
        while i < count, base[i].key == key {
            let document = base[i].document
            places.removeAll()
            repeat {
                places.append(base[i].position)
                i &+= 1
            } while i < count && base[i].key == key && base[i].document == document
            terms.add(document, frequency: UInt32(truncatingIfNeeded: places.count), positions: places.values)
        }
        return i
    }
}
