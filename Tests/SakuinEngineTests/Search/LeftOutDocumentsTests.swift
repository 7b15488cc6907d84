// Documents that are left out because they cannot be among the best, on lists of many blocks and windows.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct LeftOutDocumentsTests {
    private static let characters = (0..<48).map { Character(Unicode.Scalar(UInt32(0x4E00 + 7 * $0)) ?? " ") }

    /// Rare and frequent characters: the lower of two draws.
    private static func text(_ random: inout SeededRandom, _ count: Int) -> String {
        String((0..<count).map { _ in characters[min(random.below(48), random.below(48))] })
    }

    private static func query(_ random: inout SeededRandom, depth: Int) -> Query {
        let leaf = Query.text(text(&random, 1 + min(random.below(3), random.below(4))), fields: [])
        if depth == 0 { return random.below(6) == 0 ? .boost(leaf, Float(1 + random.below(40)) / 8) : leaf }
        let children = (0..<(2 + random.below(depth == 2 ? 9 : 3))).map { _ in query(&random, depth: depth - 1) }
        switch random.below(6) {
        case 0: return .and(children)
        case 1: return .and([.or(children), .not(leaf)])
        default: return .or(children)
        }
    }

    /// The first ten are the same, in order and score, whether all documents are counted or only the best are looked for;
    /// in one segment of two to three windows of an OR, and with dead documents.
    @Test(arguments: [false, true]) func theFirstTenAreTheSame(withDeadDocuments: Bool) async throws {
        let seed: UInt64 = withDeadDocuments ? 20_261_126 : 20_261_125
        var random = SeededRandom(seed: seed)
        let schema = Schema(fields: [FieldDefinition(name: "text")])
        let index = try SearchIndex.open(MemoryDirectory(), schema: schema, options: SearchFixture.options)
        let puts = (0..<20_000).map { number in
            WriteOperation.put(
                Document(key: "\(number)", ["text": .string(Self.text(&random, 2 + random.below(14)))]))
        }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        if withDeadDocuments {
            _ = try await index.write(WriteBatch((0..<500).map { .delete("\(40 * $0)") }))
            _ = try await index.refresh()
        }
        for _ in 0..<250 {
            var request = SearchRequest("", limit: 10)
            request.query = .tree(Self.query(&random, depth: 1 + random.below(2)))
            request.total = .exact
            let all = try index.searchNow(request)
            request.total = .none
            let best = try index.searchNow(request)
            #expect(best.hits.map(\.key) == all.hits.map(\.key), "seed \(seed): \(request.query)")
            #expect(best.hits.map(\.score) == all.hits.map(\.score), "seed \(seed): \(request.query)")
            request.limit = 0
            request.total = .exact
            #expect(try index.searchNow(request).total == all.total, "seed \(seed): \(request.query)")
        }
    }

    /// The heads of lists do not tell which documents are dead: ten that score most are, and the ten behind them are found.
    @Test func theDeadRaiseNoBar() async throws {
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: SearchFixture.options)
        let puts = (0..<1_500).map { number in
            let text = String(repeating: number % 2 == 0 ? "国" : "字", count: number < 20 ? 40 - number : 1)
            return WriteOperation.put(Document(key: "\(number)", ["body": .string(text)]))
        }
        _ = try await index.write(WriteBatch(puts))
        _ = try await index.refresh()
        _ = try await index.write(WriteBatch((0..<20).map { .delete("\($0)") }))
        _ = try await index.refresh()
        var request = SearchRequest("国 OR 字", limit: 10)
        let all = try index.searchNow(request)
        #expect(all.total == Total(1_480) && all.hits.count == 10)
        request.total = .none
        #expect(try index.searchNow(request).hits == all.hits)
        index.abandon()
    }
}
