// Sorted triples of a field to posting lists.

extension FieldInverter {
    /// Analyses a text into this field's triples; returns its length in units.
    mutating func index(
        _ text: UnsafeBufferPointer<UInt8>, _ analyzer: Analyzer, _ scratch: UnitBuffer
    ) throws(TextError) -> Int {
        try analyzer.index(text, scratch: scratch, positionBase: 0, sink: &self).units
    }

    /// Scalars have 18 bits that differ, see `CharacterStamps`.
    private static var characterKeyBits: Int { 18 }
    private static var bigramKeyBits: Int { 39 }

    /// Writes the grams of the field; called for the fields in order.
    mutating func write(
        field: Int, documentCount: Int, to terms: inout TermSections, _ scratch: inout PostingTriples
    ) throws(StorageError) {
        while norms.count < documentCount { norms.append(0) }
        let lengthCodes = norms.start.assumingMemoryBound(to: UInt8.self)
        characters.sort(keyBits: Self.characterKeyBits, scratch: &scratch)
        try Self.writeCharacters(characters, field: field, lengthCodes, to: &terms)
        edges.sort(keyBits: Self.characterKeyBits, scratch: &scratch)
        let edge = GramKey.make(field: field, kind: .edge, 0)
        try Self.writeLists(edges, lengthCodes, to: &terms) { (key, terms) throws(StorageError) in
            try terms.endGram(edge | key &<< 21)
        }
        bigrams.sort(keyBits: Self.bigramKeyBits, scratch: &scratch)
        let bigram = GramKey.make(field: field, kind: .bigram, 0)
        try Self.writeLists(bigrams, lengthCodes, to: &terms) { (key, terms) throws(StorageError) in
            try terms.endGram(bigram | key)
        }
    }

    /// Writes the words of the field; called for the fields in order.
    mutating func writeWords(
        field: Int, to terms: inout TermSections, _ scratch: inout PostingTriples
    ) throws(StorageError) {
        let lengthCodes = norms.start.assumingMemoryBound(to: UInt8.self)
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
        var codes = CodeBuffer()
        while i < words.count {
            let rank = words.base[i].key
            i = Self.writeList(words, from: i, lengthCodes, &codes, to: &terms)
            key.removeAll()
            key.append(UInt8(truncatingIfNeeded: field >> 8))
            key.append(UInt8(truncatingIfNeeded: field))
            interner.withWord(numbers[Int(rank)]) { key.append(bytes: $0) }
            try terms.endWord(UnsafeRawBufferPointer(start: key.start, count: key.count))
        }
    }

    /// Lists of characters: the position of a triple is the frequency.
    private static func writeCharacters(
        _ triples: borrowing PostingTriples, field: Int, _ norms: UnsafePointer<UInt8>, to terms: inout TermSections
    ) throws(StorageError) {
        let base = triples.base
        var i = 0
        while i < triples.count {
            let key = base[i].key
            terms.begin(hasPositions: false, norms: norms)
            while i < triples.count, base[i].key == key {
                terms.add(base[i].document, frequency: base[i].position, codes: nil)
                i &+= 1
            }
            try terms.endGram(GramKey.make(field: field, kind: .character, UInt32(key)))
        }
    }

    private static func writeLists(
        _ triples: borrowing PostingTriples, _ norms: UnsafePointer<UInt8>, to terms: inout TermSections,
        end: (UInt64, inout TermSections) throws(StorageError) -> Void
    ) throws(StorageError) {
        var codes = CodeBuffer()
        var i = 0
        while i < triples.count {
            let key = triples.base[i].key
            i = writeList(triples, from: i, norms, &codes, to: &terms)
            try end(key, &terms)
        }
    }

    /// Writes the list of the key at `from`; returns where the next key begins.
    @inline(__always)
    private static func writeList(
        _ triples: borrowing PostingTriples, from: Int, _ norms: UnsafePointer<UInt8>, _ codes: inout CodeBuffer,
        to terms: inout TermSections
    ) -> Int {
        let base = triples.base
        let count = triples.count
        let key = base[from].key
        terms.begin(hasPositions: true, norms: norms)
        var i = from
        while i < count, base[i].key == key {
            let document = base[i].document
            codes.removeAll()
            var previous = base[i].position
            codes.append(previous)
            i &+= 1
            while i < count, base[i].key == key, base[i].document == document {
                codes.append(base[i].position &- previous &- 1)
                previous = base[i].position
                i &+= 1
            }
            terms.add(document, frequency: UInt32(truncatingIfNeeded: codes.count), codes: codes.values)
        }
        return i
    }
}
