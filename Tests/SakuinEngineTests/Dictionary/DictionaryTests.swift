// Gram and word dictionaries: every term is found, no other is, in order, and damaged ones are refused.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct DictionaryTests {
    /// The entry of a term of one document.
    private func entry(_ document: Int, _ occurrences: OccurrenceKind) -> TermEntry {
        var entry = TermEntry()
        entry.documentFrequency = 1
        entry.document = UInt32(document)
        entry.frequency = occurrences != .none && document % 2 == 0 ? 2 : 1
        entry.occurrences = occurrences
        return entry
    }

    /// The entry of a term of several documents, whose list has `bytes` bytes.
    private func entry(documents: Int, bytes: Int, _ occurrences: OccurrenceKind) -> TermEntry {
        var entry = TermEntry()
        entry.documentFrequency = documents
        entry.isOnceEach = documents < 128 && documents % 2 == 0
        entry.postingsByteCount = bytes
        entry.occurrences = occurrences
        if entry.hasOwnPositions { entry.positionsByteCount = bytes + 4 }
        return entry
    }

    private func keys(_ count: Int, _ random: inout SeededRandom) -> [UInt64] {
        var keys: Set<UInt64> = []
        while keys.count < count {
            let kind = GramKey.Kind.allCases[random.below(4)]
            keys.insert(
                GramKey.make(
                    field: random.below(3), kind: kind, 0x4E00 + UInt32(random.below(200)),
                    kind == .bigram ? 0x4E00 + UInt32(random.below(200)) : 0))
        }
        return keys.sorted()
    }

    private func entry(of key: UInt64, _ place: Int) -> TermEntry {
        let occurrences = GramKey.occurrences(key, hasLinks: true)
        return place % 3 == 0
            ? entry(place, occurrences) : entry(documents: place + 2, bytes: place + 5, occurrences)
    }

    /// Numbers of two occurrences; bigrams of every second have links of 0.
    private func inline(_ place: Int) -> [UInt32] {
        let first = place % 2 * (place % 300)
        return [first, first, first + 1, first + 7].map { UInt32($0) }
    }

    private func grams(_ keys: [UInt64]) -> [UInt8] {
        var writer = GramDictionaryWriter()
        var section = SectionWriter(directory: nil, name: "grams")
        var (postings, positions) = (0, 0)
        for (place, key) in keys.enumerated() {
            var entry = entry(of: key, place)
            entry.postingsOffset = postings
            entry.positionsOffset = positions
            writer.append(key, entry, inlinePositions: inline(place), to: &section)
            postings += entry.postingsByteCount
            positions += entry.positionsByteCount
        }
        #expect(writer.termCount == keys.count)
        writer.finish(to: &section)
        return section.buffer.array()
    }

    /// The block of a key is among those that its character says, in several fields and beyond the plane of most characters.
    @Test(arguments: [63, 64, 500, 5_000]) func blocksOfCharactersHaveTheirKeys(count: Int) throws {
        var random = SeededRandom(seed: UInt64(17 + count))
        func key() -> UInt64 {
            let first = random.below(9) == 0 ? 0x20000 + random.below(0x8000) : 0x4E00 + random.below(600) * 7
            return GramKey.make(
                field: random.below(4) == 0 ? 1 : 2, kind: random.below(3) == 0 ? .character : .bigram, UInt32(first),
                UInt32(random.below(0x10FFFF)))
        }
        let firstKeys = Set((0..<count).map { _ in key() }).sorted()
        let blocks = CharacterBlocks(count: firstKeys.count) { firstKeys[$0] }
        #expect((blocks == nil) == (firstKeys.count < 64))
        guard let blocks else { return }
        defer { blocks.deallocate() }
        var known = 0
        for wanted in firstKeys + firstKeys.map({ $0 &+ 1 }) + (0..<2_000).map({ _ in key() }) {
            guard let place = firstKeys.lastIndex(where: { $0 <= wanted }), let range = blocks.range(of: wanted) else {
                continue
            }
            #expect(range.first <= place && place < range.first + range.count, "\(wanted)")
            known += 1
        }
        #expect(known > firstKeys.count)
    }

    /// Of the field of most blocks all characters of two documents and more, as the blocks have them, and no others.
    @Test func charactersAreFoundWithoutBlocks() throws {
        var characters: [UInt32] = (0..<700).map { 0x4E00 + $0 * 5 }
        characters += (0..<60).map { 0x20000 + $0 * 3 }
        var keys: Set<UInt64> = []
        for (place, character) in characters.enumerated() {
            for field in [0, 1] where field == 1 || place % 50 == 0 {
                if place % 7 > 0 { keys.insert(GramKey.make(field: field, kind: .character, character)) }
                // Most blocks are of one character.
                for second in 0..<(place % 9 == 0 ? 900 : place % 4) {
                    keys.insert(GramKey.make(field: field, kind: .bigram, character, UInt32(0x4E00 + second)))
                }
            }
        }
        let dictionary = try GramDictionary(TestSection.view(grams(keys.sorted())), hasLinks: true)
        #expect(keys.count > 64 * CharacterTerms.blockCountMin)
        var known = 0
        let absent: [UInt32] = characters.map { $0 + 1 } + [0x41, 0x10FFFF]
        for character in characters + absent {
            for field in 0...2 {
                let key = GramKey.make(field: field, kind: .character, character)
                let wanted = try dictionary.find(key)
                var info = TermInfo()
                let isKnown = dictionary.findCharacter(key, into: &info)
                #expect(isKnown == (field == 1 && wanted?.documentFrequency ?? 0 > 1), "\(character) of \(field)")
                guard isKnown, let wanted else { continue }
                known += 1
                #expect(info.documentFrequency == wanted.documentFrequency && info.isCharacter && !info.isRanked)
                #expect(info.postingsOffset == wanted.postingsOffset)
                #expect(info.postingsByteCount == wanted.postingsByteCount)
                #expect(info.occurrences == wanted.occurrences && info.isOnceEach == wanted.isOnceEach)
            }
        }
        #expect(known > 300)
    }

    @Test(arguments: [0, 1, 63, 64, 65, 128, 1_000]) func gramsAreFound(count: Int) throws {
        var random = SeededRandom(seed: UInt64(71 + count))
        let keys = keys(count, &random)
        let view = TestSection.view(grams(keys))
        let dictionary = try GramDictionary(view, hasLinks: true)
        #expect(dictionary.termCount == count)
        var (postings, positions) = (0, 0)
        var iterator = dictionary.iterator()
        for (place, key) in keys.enumerated() {
            let info = try #require(try dictionary.find(key))
            let entry = entry(of: key, place)
            #expect(try iterator.next() && iterator.key == key)
            #expect(iterator.info.documentFrequency == info.documentFrequency)
            #expect(info.documentFrequency == entry.documentFrequency)
            #expect(info.isRanked == GramKey.isRanked(key, documentFrequency: entry.documentFrequency))
            if place % 3 == 0 {
                #expect(info.document == entry.document && info.frequency == entry.frequency)
                guard info.hasPositions else { continue }
                let memory = ScratchMemory()
                let read = PositionBuffer(memory.scratch)
                var bits = try #require(info.inlinePositions)
                #expect(
                    OccurrenceCode.read(
                        Int(info.frequency), info.occurrences, order: InlinePositions.order, from: &bits, into: read))
                #expect(
                    Array(UnsafeBufferPointer(start: read.values, count: read.count))
                        == Array(inline(place)[..<entry.inlineValueCount]))
            } else {
                #expect(info.isOnceEach == entry.isOnceEach)
                #expect(info.postingsOffset == postings && info.postingsByteCount == entry.postingsByteCount)
                #expect(info.positionsOffset == positions && info.positionsByteCount == entry.positionsByteCount)
            }
            postings += entry.postingsByteCount
            positions += entry.positionsByteCount
        }
        #expect(try !iterator.next())
        let known = Set(keys)
        for key in keys.flatMap({ [$0 &- 1, $0 &+ 1] }) + [0, .max] where !known.contains(key) {
            #expect(try dictionary.find(key) == nil)
        }
    }

    private func words(_ count: Int, _ random: inout SeededRandom) -> [[UInt8]] {
        let letters = Array("abcdeé0国".unicodeScalars)
        var words: Set<String> = []
        while words.count < count {
            var word = String.UnicodeScalarView()
            for _ in 0...random.below(7) { word.append(letters[random.below(letters.count)]) }
            words.insert("\(random.below(2)):" + String(word))
        }
        let keys = words.map { word in
            let neighbours = [nil, nil, WordNeighbour.before(0x56FD), .behind(0x2_0BB7)]
            let neighbour = neighbours[random.below(neighbours.count)]
            return Array(word.utf8.dropFirst(2)).withUnsafeBytes {
                WordDictionaryWriter.key(field: word.hasPrefix("0") ? 0 : 258, neighbour, $0)
            }
        }
        return keys.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func dictionary(_ keys: [[UInt8]]) -> [UInt8] {
        var writer = WordDictionaryWriter()
        var section = SectionWriter(directory: nil, name: "words")
        for (place, key) in keys.enumerated() {
            key.withUnsafeBytes {
                writer.append($0, entry(place, .position), inlinePositions: [3, 9], to: &section)
            }
        }
        writer.finish(to: &section)
        return section.buffer.array()
    }

    @Test(arguments: [0, 1, 31, 32, 33, 64, 1_000]) func wordsAndPrefixesAreFound(count: Int) throws {
        var random = SeededRandom(seed: UInt64(72 + count))
        let keys = words(count, &random)
        let dictionary = try WordDictionary(TestSection.view(dictionary(keys)))
        #expect(dictionary.termCount == count)
        var iterator = dictionary.iterator()
        for (place, key) in keys.enumerated() {
            #expect(try dictionary.find(key)?.document == UInt32(place))
            #expect(try iterator.next())
            #expect(iterator.withKey { Array($0) } == key)
            if !keys.contains(key + [0x7A]) { #expect(try dictionary.find(key + [0x7A]) == nil) }
        }
        #expect(try !iterator.next())
        #expect(try dictionary.find([]) == nil)
        #expect(try dictionary.find([0xFF, 0xFF]) == nil)
        var prefixes = keys.map { Array($0.prefix(3)) } + keys.map { Array($0.prefix(5)) }
        prefixes += [[], [0], [1, 2], [0, 0], [0, 0, 0x7F], [9]]
        for prefix in prefixes.prefix(300) {
            var found: [[UInt8]] = []
            try dictionary.withPrefix(prefix) { (word, _) throws(StorageError) in
                found.append(Array(word))
                return true
            }
            #expect(found == keys.filter { $0.starts(with: prefix) })
        }
        if count > 1 {
            var seen = 0
            try dictionary.withPrefix([]) { (_, _) throws(StorageError) in
                seen += 1
                return seen < 2
            }
            #expect(seen == 2)
        }
    }

    /// Pairs stand behind all words of their field, those of a character and side together.
    @Test func pairsStandBehindWords() {
        func key(_ field: Int, _ neighbour: WordNeighbour?, _ word: String) -> [UInt8] {
            Array(word.utf8).withUnsafeBytes { WordDictionaryWriter.key(field: field, neighbour, $0) }
        }
        let keys = [
            key(7, nil, "a"), key(7, nil, "\u{10FFFF}"), key(7, .before(0x56FD), "a"), key(7, .before(0x56FD), "b"),
            key(7, .behind(0x56FD), "a"), key(7, .before(0x2_0BB7), "a"), key(8, nil, "a"),
        ]
        #expect(keys == keys.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(keys[2] == [0, 7, 0xFF, 0x00, 0xAD, 0xFA, 0x61])
        #expect(keys[5] == [0, 7, 0xFF, 0x04, 0x17, 0x6E, 0x61])
    }

    /// Damage under checksums that agree with it is refused or gives other terms; it never traps or goes on for ever.
    @Test func damagedDictionariesNeverTrap() throws {
        var random = SeededRandom(seed: 73)
        let gramKeys = keys(150, &random)
        let wordKeys = words(100, &random)
        let (grams, words) = (grams(gramKeys), dictionary(wordKeys))
        for place in grams.indices {
            var damaged = grams
            damaged[place] ^= UInt8(truncatingIfNeeded: 1 + random.below(255))
            do {
                let dictionary = try GramDictionary(TestSection.view(damaged), hasLinks: true)
                _ = try dictionary.find(gramKeys[random.below(150)])
                var iterator = dictionary.iterator()
                var seen = 0
                while try iterator.next() { seen += 1 }
                #expect(seen <= damaged.count)
            } catch { continue }
        }
        for place in words.indices {
            var damaged = words
            damaged[place] ^= UInt8(truncatingIfNeeded: 1 + random.below(255))
            do {
                let dictionary = try WordDictionary(TestSection.view(damaged))
                _ = try dictionary.find(wordKeys[random.below(100)])
                var iterator = dictionary.iterator()
                var seen = 0
                while try iterator.next() { seen += 1 }
                #expect(seen <= damaged.count)
            } catch { continue }
        }
        for length in 0..<16 {
            #expect(throws: StorageError.self) {
                try GramDictionary(TestSection.view(Array(grams[..<length])), hasLinks: true)
            }
            #expect(throws: StorageError.self) { try WordDictionary(TestSection.view(Array(words[..<length]))) }
        }
    }
}

extension WordDictionary {
    fileprivate func find(_ key: [UInt8]) throws(StorageError) -> TermInfo? {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: key.count, alignment: 1)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: key)
        return try find(UnsafeRawBufferPointer(bytes))
    }
}
