// Segment files whose bytes say something else than they should, under checksums that match.

import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// An input is a list of changes to a whole segment. Opening it, and checking, searching or merging it, end with an answer
    /// or with an error; without changes they succeed. The first byte chooses, from its lowest digit on, one of four segments,
    /// what is done, and where they come from; a change is 3 bytes place, 1 byte value; the place 2^24 - 1 cuts the file by
    /// the value.
    static let segments = FuzzTarget(
        name: "segments",
        seeds: {
            let sound = (0..<(SegmentBase.all.count * SegmentReading.kindCount)).map { [UInt8($0)] }
            return sound + codeSeeds()
                + [[0, 20, 0, 0, 9], [33, 200, 10, 0, 255, 7, 0, 0, 1], [34, 255, 255, 255, 30]]
        },
        run: { bytes in
            guard let first = bytes.first else { return nil }
            let bases = SegmentBase.all
            guard bases.count == 3 * SegmentBase.shapeCount else { return "a segment cannot be made" }
            let kinds = SegmentBase.shapeCount * SegmentReading.kindCount
            let base = bases[Int(first) / kinds % 3 * SegmentBase.shapeCount + Int(first) % SegmentBase.shapeCount]
            var file = base.bytes
            let changes = Array(bytes.dropFirst().prefix(64 * 4))
            for at in stride(from: 0, to: changes.count - changes.count % 4, by: 4) {
                let place = Int(changes[at]) | Int(changes[at + 1]) << 8 | Int(changes[at + 2]) << 16
                if place == 0xFF_FFFF {
                    file.removeLast(min(file.count, Int(changes[at + 3])))
                } else if !file.isEmpty {
                    file[place % file.count] = changes[at + 3]
                }
            }
            SegmentSeal.renew(&file)
            let kind = Int(first) / SegmentBase.shapeCount % SegmentReading.kindCount
            let reading = SegmentReading(file, base, kind: kind)
            if changes.count < 4, let failure = reading.failure { return "a sound segment is refused: \(failure)" }
            return reading.surprise
        })

    /// Changes in what stored documents are coded with: numbers of the trailer, the dictionary, the table of symbols.
    private static func codeSeeds() -> [[UInt8]] {
        let shape = 1
        guard let base = SegmentBase.all.dropFirst(SegmentBase.shapeCount + shape).first,
            let end = SegmentSeal.end(of: .documents, in: base.bytes)
        else { return [] }
        let kinds = [0, SegmentReading.kindCount - 2, SegmentReading.kindCount - 1]
        return [8, 16, 24, 32, 40, 600, 2_000, 4_000].flatMap { back in
            kinds.map { kind in
                let first = (SegmentReading.kindCount + kind) * SegmentBase.shapeCount + shape
                let place = end - back
                return [UInt8(first), UInt8(place & 255), UInt8(place >> 8 & 255), UInt8(place >> 16 & 255), 3]
            }
        }
    }
}

/// Makes the checksums of a segment file match its bytes, as far as its footer can be read.
enum SegmentSeal {
    private static func number(_ bytes: [UInt8], _ at: Int, _ width: Int) -> Int? {
        bytes.number(at: at, width: width).flatMap { Int(exactly: $0) }
    }

    static func renew(_ bytes: inout [UInt8]) {
        guard let footer = footer(of: bytes) else { return }
        for section in sections(of: bytes, footer) {
            var at = section.checksumsAt
            for from in stride(
                from: section.range.lowerBound, to: section.range.upperBound, by: SectionView.checkedByteCount)
            {
                guard at + 4 <= footer.upperBound else { break }
                let end = min(from + SectionView.checkedByteCount, section.range.upperBound)
                bytes.put(bytes.checksum(of: from..<end), at: at)
                at += 4
            }
        }
        bytes.put(bytes.checksum(of: footer), at: footer.upperBound + 4)
    }

    /// Where a section ends.
    static func end(of section: SegmentLayout.Section, in bytes: [UInt8]) -> Int? {
        guard let footer = footer(of: bytes) else { return nil }
        return sections(of: bytes, footer).first { $0.number == Int(section.rawValue) }?.range.upperBound
    }

    private static func footer(of bytes: [UInt8]) -> Range<Int>? {
        let trailer = bytes.count - SegmentLayout.trailerByteCount
        guard trailer >= 0, let length = number(bytes, trailer, 4), length <= trailer else { return nil }
        return (trailer - length)..<trailer
    }

    private static func sections(
        of bytes: [UInt8], _ footer: Range<Int>
    ) -> [(number: Int, range: Range<Int>, checksumsAt: Int)] {
        var sections: [(number: Int, range: Range<Int>, checksumsAt: Int)] = []
        var at = footer.lowerBound + 4
        for _ in 0..<min(number(bytes, footer.lowerBound, 4) ?? 0, SegmentLayout.Section.allCases.count) {
            guard let name = number(bytes, at, 2), let offset = number(bytes, at + 2, 8),
                let size = number(bytes, at + 10, 8), offset <= footer.lowerBound, size <= footer.lowerBound - offset
            else { break }
            sections.append((name, offset..<(offset + size), at + 18))
            at += 18 + 4 * ((size + SectionView.checkedByteCount - 1) / SectionView.checkedByteCount)
        }
        return sections
    }
}

/// What comes of reading a segment in one way.
private struct SegmentReading {
    /// Why it failed.
    private(set) var failure: String?
    /// An answer that cannot be one, or an error that does not say what is damaged.
    private(set) var surprise: String?

    /// Each query, checking, merging with itself and with another.
    static let kindCount = queries.count + 3

    private static let queries: [Query] = [
        .text("国", fields: []), .text("国际", fields: []), .text("国际数字", fields: []), .text("A股", fields: []),
        .text("数字国际国", fields: []), .text("abc", fields: []), .prefix("ab", fields: []), .text("国abc", fields: []),
        .or([.text("国际", fields: []), .text("数字", fields: []), .text("한국", fields: [])]),
        .and([.text("国", fields: []), .not(.text("abc 12", fields: []))]), .equals(field: "tag", "news"),
        .range(field: "year", lower: RangeBound("-5"), upper: RangeBound("20", inclusive: false)),
        .and([.text("数字", fields: []), .range(field: "price", lower: nil, upper: RangeBound("9"))]),
        .equals(field: "on", "true"), .range(field: "day", lower: RangeBound("2023-01-03"), upper: nil), .all,
    ]

    init(_ file: [UInt8], _ base: SegmentBase, kind: Int) {
        let registry = base.registry
        let directory = MemoryDirectory(files: [FuzzIndex.file: file])
        do {
            let reader = try SegmentReader(directory, FuzzIndex.file)
            switch kind {
            case ..<Self.queries.count: try search(Self.queries[kind], reader, registry)
            case Self.queries.count: try SegmentCheck.run(reader)
            case Self.queries.count + 1: try Self.merge(reader, reader, registry)
            default:
                let other = FileName.segment(2)
                try Self.merge(reader, SegmentReader(MemoryDirectory(files: [other: base.beside]), other), registry)
            }
        } catch {
            failure = "\(error)"
            switch error {
            case is StorageError, SearchError.storage: break
            default: surprise = "\(error)"
            }
        }
    }

    private mutating func search(_ query: Query, _ reader: SegmentReader, _ registry: FieldRegistry) throws {
        let count = reader.meta.documentCount
        // A damaged number of documents may be as high as it likes.
        let lives = count > 0 && count < 4096 ? [nil, LiveDocuments(documentCount: count, dead: [0])] : [nil]
        for live in lives {
            let segment = SearchableSegment(reader: reader, live: live)
            let found = try FuzzIndex.search(query, segment, registry).total.value
            if found > count { surprise = "\(found) of \(count)" }
            _ = try FuzzIndex.search(query, segment, registry, limit: 3, total: .none, reads: false)
            // Several lists as one.
            _ = try FuzzIndex.search(
                .and([query, .prefix("a", fields: [])]), segment, registry, limit: 3, total: .none, reads: false)
            _ = try FuzzIndex.search(
                query, segment, registry, limit: 3, sort: [SortKey("year"), SortKey("tag")], reads: false)
            if registry.schema.fields.contains(FuzzIndex.tags) { try searchTags(query, segment, registry) }
        }
    }

    /// Several values of a field: as a filter, in the order of hits, and counted.
    private mutating func searchTags(
        _ query: Query, _ segment: SearchableSegment, _ registry: FieldRegistry
    ) throws {
        let name = FuzzIndex.tags.name
        let range = Query.range(field: name, lower: RangeBound("a1"), upper: RangeBound("经济"))
        for query in [range, .and([query, range]), .or([query, .prefix("a", fields: [name])])] {
            let sort = [SortKey(name, descending: true), SortKey(name)]
            _ = try FuzzIndex.search(query, segment, registry, limit: 3, sort: sort, reads: false)
        }
        let plan = try QueryPlanner.plan(
            query, filter: nil, SearchedFields(registry), fields: [], highlights: false, proofs: .all)
        let ranges = FacetRequest(name, ranges: [FacetRange("x", to: "b"), FacetRange("y", from: "a1")])
        let counter = FacetCounter([FacetRequest(name), ranges], MemoryBudget(byteCountMax: 64 << 20), nil)
        let search = SnapshotSearch(plan, schema: registry.schema, segments: [segment], models: ScoreModels())
        let total = try search.run(window: 0, total: .exact, sort: [], listener: counter).total.value
        for facet in try counter.facets() where facet.missingCount > total { surprise = "\(facet) of \(total)" }
    }

    /// Two segments to one. A document of the second is dead, so that not all of its blocks can be copied.
    private static func merge(_ first: SegmentReader, _ second: SegmentReader, _ registry: FieldRegistry) throws {
        // A damaged number of documents may be as high as it likes.
        let (count, otherCount) = (first.meta.documentCount, second.meta.documentCount)
        let live = otherCount < 4096 ? LiveDocuments(documentCount: otherCount, dead: [1]) : nil
        let inputs = [
            MergeInput(first, live: nil, firstDocument: 0),
            MergeInput(second, live: live, firstDocument: UInt32(count)),
        ]
        let directory = MemoryDirectory()
        let merger = SegmentMerger(
            inputs, registry, directory: directory, MergeControl(), MemoryShares(64 << 20))
        guard try merger.run(id: 1) != nil else { return }
        let merged = try SegmentReader(directory, FuzzIndex.file)
        var cache = DocumentBlockCache()
        for block in 0..<merged.documents.blockCount {
            try merged.documents.forEach(inBlock: block, &cache) { _, _ in }
        }
    }
}
