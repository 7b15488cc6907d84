// Token streams and what sealing makes of them, against arrays that are sorted.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct TokenStreamTests {
    private struct Event: Equatable {
        var document: UInt32
        var position: UInt32
        /// The stream behind, nil at the end of a run.
        var second: Int?
        var isEdge: Bool
        var link: UInt32
        var isFirst: Bool
    }

    /// Streams beyond this are escaped.
    private static let many = Int(TokenLayout.withoutLinks.escaped) + 300

    private func random(
        _ random: inout SeededRandom, streams: Int, documents: Int, hasLinks: Bool
    ) -> [[Event]] {
        var all = [[Event]](repeating: [], count: streams)
        var document: UInt32 = 0
        for _ in 0..<documents {
            document += 1 + UInt32(random.below(3) == 0 ? random.below(100_000) : 0)
            for number in 0..<streams where random.below(3) > 0 {
                var position = UInt32(random.below(10))
                for i in 0..<(1 + random.below(random.below(20) == 0 ? 1_000 : 4)) {
                    let far = Self.many - 1 - i % 400
                    let second: Int? = random.below(4) == 0 ? nil : random.below(3) == 0 ? far : i % 9
                    all[number].append(
                        Event(
                            document: document, position: position, second: second, isEdge: random.below(2) == 0,
                            link: hasLinks ? UInt32(random.below(random.below(4) == 0 ? 100_000 : 70)) : 0,
                            isFirst: i == 0))
                    position += 1 + UInt32(random.below(random.below(50) == 0 ? 100_000 : 6))
                }
            }
        }
        return all
    }

    private func append(_ all: [[Event]], to streams: inout TokenStreams) {
        while streams.count < all.count { _ = streams.add() }
        // Document by document, as a lane does.
        let events = all.enumerated().flatMap { number, events in events.map { (number, $0) } }
        let ordered = events.enumerated().sorted {
            ($0.element.1.document, $0.offset) < ($1.element.1.document, $1.offset)
        }
        for (_, (number, event)) in ordered {
            streams.append(
                to: number, event.document, position: event.position,
                second: event.second.map { UInt32($0) } ?? .max, edge: event.isEdge ? 1 : 0, link: event.link)
        }
    }

    private func events(_ reader: TokenStreamReader) -> [Event] {
        var reader = reader
        var found: [Event] = []
        while reader.next() {
            let code = reader.second
            found.append(
                Event(
                    document: reader.document, position: reader.position,
                    second: !reader.hasSecond ? nil : Int(code < reader.layout.none ? code : code - 2),
                    isEdge: reader.isEdge, link: reader.link, isFirst: reader.isFirst))
        }
        return found
    }

    @Test(arguments: 0..<2 as Range<UInt64>, [false, true])
    func whatWasAppendedComesBack(seed: UInt64, hasLinks: Bool) {
        var random = SeededRandom(seed: seed)
        let arena = TokenArena()
        for keepsMemory in [true, false, true] {
            var streams = TokenStreams(arena, hasLinks ? .withLinks : .withoutLinks)
            let all = self.random(&random, streams: 6, documents: 12, hasLinks: hasLinks)
            append(all, to: &streams)
            for number in all.indices {
                #expect(events(streams.reader(number)) == all[number], "seed \(seed), stream \(number)")
            }
            #expect(arena.byteCount > 0)
            arena.removeAll(keepsMemory: keepsMemory)
            #expect((arena.byteCount > 0) == keepsMemory)
        }
    }

    @Test func aStreamGoesOnBehindItsReader() {
        let arena = TokenArena()
        var streams = TokenStreams(arena, .withoutLinks)
        _ = streams.add()
        for document in 0..<2_000 as Range<UInt32> {
            streams.append(to: 0, document, position: 7, second: .max, edge: 1)
            if document % 100 == 0 { #expect(events(streams.reader(0)).count == Int(document) + 1) }
        }
        #expect(events(streams.reader(0)).map(\.document) == Array(0..<2_000))
    }

    /// Scalars in no order; the last stream numbers are escaped.
    private static let scalars: [UInt32] = (0..<many).map { UInt32($0) * 48_271 % 0x1_0FFFF }

    @Test(arguments: 10..<11 as Range<UInt64>, [1, 7, 1 << 20])
    func sortingTakesAStreamApart(seed: UInt64, partCountMax: Int) throws {
        try takeApart(seed, partCountMax, PositionedPlace.self)
        try takeApart(seed, partCountMax, LinkedPlace.self)
    }

    private func takeApart<Place: TokenPlace>(_ seed: UInt64, _ partCountMax: Int, _ place: Place.Type) throws {
        var random = SeededRandom(seed: seed)
        let arena = TokenArena()
        let hasLinks = Place.valueCount == 2
        let layout = hasLinks ? TokenLayout.withLinks : .withoutLinks
        var streams = TokenStreams(arena, layout)
        let all = self.random(&random, streams: 3, documents: 200, hasLinks: hasLinks)
        append(all, to: &streams)
        let ranks = StreamRanks([Self.scalars], layout)
        #expect(ranks.scalars == Self.scalars.sorted())
        var sorting = StreamSorting<Place>(characterCount: Self.scalars.count, partCountMax: partCountMax)
        var runs = RunBuffer()
        for (number, events) in all.enumerated() {
            sorting.begin()
            sorting.add(streams.reader(number), ofChunk: 0, ranks, documentBase: 0)
            let list = lists(events.map { ($0.document, $0.position) })
            #expect(model(sorting.characterRun, hasPositions: false).map(\.0) == list.map(\.0))
            #expect(model(sorting.characterRun, hasPositions: false).map(\.1) == list.map { UInt32($0.1.count) })
            let documents = list.map(\.0)
            // By event: which of its document it is.
            let places = events.indices.map { place in
                UInt32(place - (events[...place].lastIndex { $0.isFirst } ?? 0))
            }
            let edges = events.indices.filter { events[$0].isEdge }.map { place in
                (events[place].document, (hasLinks ? [places[place]] : []) + [events[place].position])
            }
            #expect(ranked(sorting.edgeRun(&runs), documents, hasLinks) == merged(edges))
            var expected: [UInt32: [(UInt32, [UInt32])]] = [:]
            for (place, event) in zip(places, events) {
                guard let second = event.second else { continue }
                expected[Self.scalars[second], default: []].append(
                    (event.document, hasLinks ? [place, event.link] : [event.position]))
            }
            var found: [UInt32] = []
            while sorting.beginPart() {
                sorting.scatter(streams.reader(number), ofChunk: 0, ranks)
                try sorting.forEachBigram(&runs) { (rank, run) throws(StorageError) in
                    let scalar = ranks.scalars[rank]
                    found.append(scalar)
                    #expect(ranked(run, documents, hasLinks) == merged(expected[scalar] ?? []), "seed \(seed)")
                }
            }
            #expect(found == expected.keys.sorted(), "seed \(seed)")
        }
    }

    private func lists(_ places: [(UInt32, UInt32)]) -> [(UInt32, [UInt32])] {
        var lists: [(UInt32, [UInt32])] = []
        for (document, position) in places {
            if lists.last?.0 != document { lists.append((document, [])) }
            lists[lists.count - 1].1.append(position)
        }
        return lists
    }

    /// The numbers of each document behind its own.
    private func merged(_ places: [(UInt32, [UInt32])]) -> [[UInt32]] {
        var all: [[UInt32]] = []
        for (document, values) in places {
            if all.last?[0] != document { all.append([document]) }
            all[all.count - 1] += values
        }
        return all
    }

    /// Per document: its number and its frequency or positions.
    private func model(_ run: PostingRun, hasPositions: Bool) -> [(UInt32, UInt32)] {
        (0..<run.count).map { (run.documents[$0], run.frequencies[$0]) }
    }

    /// The same for ranks in `documents`, with positions; documents must agree where they are given.
    private func ranked(_ run: PostingRun, _ documents: [UInt32], _ hasLinks: Bool) -> [[UInt32]] {
        guard let ranks = run.ranks, var positions = run.positions else { return [] }
        #expect(run.rankLimit == documents.count)
        return (0..<run.count).map { i in
            let document = documents[Int(ranks[i])]
            if run.count >= PostingListWriter.blockCount { #expect(run.documents[i] == document) }
            let valueCount = Int(run.frequencies[i]) * (hasLinks ? 2 : 1)
            let list = Array(UnsafeBufferPointer(start: positions, count: valueCount))
            positions += list.count
            return [document] + list
        }
    }

    @Test func numbersAreGivenInOrderOfAppearance() {
        var random = SeededRandom(seed: 3)
        var numbers = CharacterNumbers()
        for _ in 0..<2 {
            var known: [UInt32: Int] = [:]
            for _ in 0..<500 {
                let scalar = UInt32(random.below(random.below(2) == 0 ? 0x11_0000 : 300))
                #expect(numbers.number(scalar) == known[scalar])
                if known[scalar] == nil {
                    known[scalar] = known.count
                    numbers.add(scalar)
                }
            }
            for (scalar, number) in known { #expect(numbers.scalars[number] == scalar) }
            numbers.removeAll()
            for scalar in known.keys { #expect(numbers.number(scalar) == nil) }
        }
    }
}
