/// The bigrams of a segment that many documents have, noted while their lists are written in order.
struct FrequentGrams {
    private struct Gram {
        var key: UInt64
        var documentFrequency: UInt32
    }

    let documentFrequencyMin: Int
    private var grams: [Gram] = []
    /// By field: postings of all its bigrams.
    private var postingCounts: [Int] = []

    init(documentFrequencyMin: Int) { self.documentFrequencyMin = documentFrequencyMin }

    /// Notes a bigram above all before.
    @inline(__always)
    mutating func add(_ key: UInt64, _ documentFrequency: Int) {
        let field = GramKey.field(key)
        while postingCounts.count <= field { postingCounts.append(0) }
        postingCounts[field] += documentFrequency
        if documentFrequency >= documentFrequencyMin {
            grams.append(Gram(key: key, documentFrequency: UInt32(clamping: documentFrequency)))
        }
    }

    /// Takes over those of another part of the segment, which are above all before.
    mutating func append(_ other: FrequentGrams) {
        grams += other.grams
        for (field, count) in other.postingCounts.enumerated() {
            while postingCounts.count <= field { postingCounts.append(0) }
            postingCounts[field] += count
        }
    }

    /// The fields that have frequent bigrams, ascending.
    var fields: [Int] {
        var fields: [Int] = []
        for gram in grams where fields.last != GramKey.field(gram.key) { fields.append(GramKey.field(gram.key)) }
        return fields
    }

    func postingCount(of field: Int) -> Int { field < postingCounts.count ? postingCounts[field] : 0 }

    /// The frequent bigrams of a field, numbered in their order.
    func bigrams(of field: Int) -> NumberedGrams {
        var numbered = NumberedGrams(length: 2)
        for gram in grams where GramKey.field(gram.key) == field {
            numbered.append(
                [GramKey.first(gram.key), GramKey.second(gram.key)], documentFrequency: gram.documentFrequency)
        }
        return numbered
    }
}

/// Grams of one length that many documents have, in ascending order, with numbers from 1 on.
struct NumberedGrams {
    /// Characters of a gram.
    let length: Int
    /// Those of all grams, one gram behind the other.
    private(set) var characters: [UInt32] = []
    /// By number; that of 0 is 0.
    private(set) var documentFrequencies: [UInt32] = [0]

    init(length: Int) { self.length = length }

    mutating func append(_ gram: [UInt32], documentFrequency: UInt32) {
        characters += gram
        documentFrequencies.append(documentFrequency)
    }

    var count: Int { documentFrequencies.count - 1 }
    var isEmpty: Bool { count == 0 }

    func characters(of number: Int) -> ArraySlice<UInt32> {
        characters[((number - 1) * length)..<(number * length)]
    }
}
