// Looking terms up, intersecting lists, checking phrases; then a whole search.

import Benchmark
@_spi(Benchmarks) import SakuinEngine

func searchBenchmarks() {
    for size in KnownLists.sizes {
        matchBenchmark("intersection of two lists", size, "first\(size) second\(size)")
        matchBenchmark("phrase of four characters", size, KnownLists.phrase(size).joined())
    }
    for size in KnownLists.sizes.dropLast() {
        matchBenchmark("intersection with a list of 100,000", size, "first\(size) second100000")
    }
    for documents in [100, 1_000, 10_000, 100_000] {
        Benchmark(title("1,000 dictionary look-ups", documents, "documents", items: "1000 look-ups")) {
            (benchmark, known: KnownPairs) in
            for pair in known.pairs { blackHole(try known.dictionary.documentFrequency(pair.0, pair.1)) }
        } setup: {
            KnownPairs(try await TextIndexes.shared.index(documents: documents))
        }
        Benchmark(title("1,000 searches of a pair, top 10 and count", documents, "documents", items: "1000 searches")) {
            (benchmark, known: KnownPairs) in
            for text in known.texts { blackHole(try known.index.searchNow(SearchRequest(text))) }
        } setup: {
            KnownPairs(try await TextIndexes.shared.index(documents: documents))
        }
    }
}

private func matchBenchmark(_ subject: String, _ size: Int, _ query: String) {
    Benchmark(title(subject, size, "documents")) { (benchmark, match: PreparedMatch) in
        blackHole(try match.count())
    } setup: {
        try PreparedMatch(query, in: try await KnownLists.shared.index())
    }
}

/// Pairs of characters as often as they follow each other in the text.
private struct KnownPairs {
    let index: SearchIndex
    let dictionary: DictionaryAccess
    let pairs: [(Unicode.Scalar, Unicode.Scalar)]
    let texts: [String]

    init(_ index: SearchIndex) {
        self.index = index
        dictionary = DictionaryAccess(index)
        var text = SeededText(5)
        pairs = (0..<1_000).map { _ in (text.character(), text.character()) }
        texts = pairs.map { "\($0.0)\($0.1)" }
    }
}
