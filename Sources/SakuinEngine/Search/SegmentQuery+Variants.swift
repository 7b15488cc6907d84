// What the dictionary has of a token in any of its spellings.

extension SegmentQuery {
    /// The terms a token may be written as. Throws `cancelled` when words have more than `expansionMax`.
    func find(
        _ term: PlanTerm, ofVariants phrase: PhrasePlan
    ) throws(StorageError) -> LookedUpToken {
        let (field, variants) = (phrase.field, phrase.variants)
        let table = VariantTable.shared
        func all(_ scalar: UInt32) -> [UInt32] { table.variants(of: scalar, variants) }
        switch term {
        case .character(let c): return try grams(field, .character, all(c))
        case .edge(let c), .head(let c), .tail(let c): return try grams(field, kindOfEdge(c, phrase), all(c))
        case .unit(let c): return try grams(field, .unit, all(c))
        case .bigram(let a, let b): return try grams(field, .bigram, all(a), all(b))
        case .word(let place):
            return try words(field, [nil], plan.words[place], variants, isPrefix: false)
        case .prefix(let place):
            return try words(field, [nil], plan.words[place], variants, isPrefix: true)
        case .pair(let neighbour, let place):
            return try words(
                field, all(neighbour.scalar).map(neighbour.with), plan.words[Int(place)], variants,
                isPrefix: false)
        case .pairPrefix(let neighbour, let place):
            return try words(
                field, all(neighbour.scalar).map(neighbour.with), plan.words[Int(place)], variants, isPrefix: true)
        }
    }

    /// The grams of any first and any second character that there are.
    private func grams(
        _ field: Int, _ kind: GramKey.Kind, _ firsts: [UInt32], _ seconds: [UInt32] = [0]
    ) throws(StorageError) -> LookedUpToken {
        let terms = scratch.take(FoundTerm.self, firsts.count * seconds.count)
        var count = 0
        for first in firsts {
            for second in seconds {
                let key = GramKey.make(field: field, kind: kind, first, second)
                guard let info = try segment.grams.find(key) else { continue }
                terms[count] = FoundTerm(info: info, gram: key)
                count += 1
            }
        }
        return LookedUpToken(terms: terms, count: count)
    }

    /// The words of any spelling, or those that begin so, beside any of the neighbours, that there are.
    ///
    /// Spellings grow character by character; where one can go on in several ways, those that no word begins with are left,
    /// so that there are never many more than words.
    private func words(
        _ field: Int, _ neighbours: [WordNeighbour?], _ word: [UInt8], _ variants: VariantFolding, isPrefix: Bool
    ) throws(StorageError) -> LookedUpToken {
        var found: [FoundTerm] = []
        for neighbour in neighbours {
            var keys = [
                WordDictionaryWriter.key(field: field, neighbour, UnsafeRawBufferPointer(start: nil, count: 0))
            ]
            for scalar in String(decoding: word, as: UTF8.self).unicodeScalars {
                if VariantTable.shared.variantCount(of: scalar.value, variants) == 1 {
                    for i in keys.indices { keys[i] += Self.utf8(scalar.value) }
                } else {
                    keys = try longer(keys, VariantTable.shared.variants(of: scalar.value, variants))
                }
                if keys.isEmpty { break }
            }
            for key in keys {
                if isPrefix {
                    try appendTerms(withPrefix: key, neighbour, to: &found)
                    continue
                }
                let bytes = scratch.take(UInt8.self, key.count)
                bytes.update(from: key, count: key.count)
                if let info = try segment.words.find(UnsafeRawBufferPointer(start: bytes, count: key.count)) {
                    found.append(FoundTerm(info: info, neighbour: neighbour?.scalar ?? 0))
                }
            }
        }
        guard found.count <= Self.expansionMax else { throw .cancelled }
        return token(found)
    }

    /// The keys with any of the characters behind them that there are words for.
    private func longer(_ keys: [[UInt8]], _ choices: [UInt32]) throws(StorageError) -> [[UInt8]] {
        var longer: [[UInt8]] = []
        for key in keys {
            for choice in choices {
                let next = key + Self.utf8(choice)
                if try segment.words.hasPrefix(next) { longer.append(next) }
            }
        }
        guard longer.count <= Self.expansionMax else { throw .cancelled }
        return longer
    }

    private static func utf8(_ scalar: UInt32) -> [UInt8] {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4) { bytes in
            guard let start = bytes.baseAddress else { return [] }
            return Array(bytes[..<UTF8Decoding.write(scalar, to: start)])
        }
    }
}
