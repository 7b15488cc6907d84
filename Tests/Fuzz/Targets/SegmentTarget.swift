// Segment files whose bytes say something else than they should, under checksums that match.

import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// An input is a list of changes to a whole segment. Opening it, and checking, searching or merging it, end with an answer
    /// or with an error; without changes they succeed. The two lowest bits of the first byte choose one of four segments, the others
    /// what is done; a change is 3 bytes place, 1 byte value; the place 2^24 - 1 cuts the file by the value.
    static let segments = FuzzTarget(
        name: "segments",
        seeds: {
            let sound = (0..<(4 * SegmentReading.kindCount)).map { [UInt8($0)] }
            return sound + [[0, 20, 0, 0, 9], [33, 200, 10, 0, 255, 7, 0, 0, 1], [34, 255, 255, 255, 30]]
        },
        run: { bytes in
            guard let first = bytes.first else { return nil }
            let bases = SegmentBase.all
            guard bases.count == 4 else { return "a segment cannot be made" }
            let base = bases[Int(first) & 3]
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
            let reading = SegmentReading(file, base.registry, kind: Int(first) / 4 % SegmentReading.kindCount)
            if changes.count < 4, let failure = reading.failure { return "a sound segment is refused: \(failure)" }
            return reading.surprise
        })
}

/// A sound segment.
private struct SegmentBase: Sendable {
    let registry: FieldRegistry
    let bytes: [UInt8]

    /// Short lists and long ones, with positions and with links.
    static let all: [SegmentBase] = [(8, false), (160, false), (8, true), (160, true)].compactMap { count, isCompact in
        var schema = FuzzIndex.schema
        schema.compact = isCompact
        let registry = FuzzIndex.registry(schema)
        let bytes = try? FuzzIndex.directory(FuzzIndex.documents(count), registry)?.read(FuzzIndex.file)
        return bytes.map { SegmentBase(registry: registry, bytes: $0) }
    }
}

/// Makes the checksums of a segment file match its bytes, as far as its footer can be read.
enum SegmentSeal {
    private static func number(_ bytes: [UInt8], _ at: Int, _ width: Int) -> Int? {
        bytes.number(at: at, width: width).flatMap { Int(exactly: $0) }
    }

    static func renew(_ bytes: inout [UInt8]) {
        let trailer = bytes.count - SegmentLayout.trailerByteCount
        guard trailer >= 0, let length = number(bytes, trailer, 4), length <= trailer else { return }
        let footer = trailer - length
        var at = footer + 4
        for _ in 0..<min(number(bytes, footer, 4) ?? 0, SegmentLayout.Section.allCases.count) {
            guard let offset = number(bytes, at + 2, 8), let size = number(bytes, at + 10, 8), offset <= footer,
                size <= footer - offset
            else { break }
            at += 18
            for from in stride(from: offset, to: offset + size, by: SectionView.checkedByteCount) {
                guard at + 4 <= trailer else { break }
                let end = min(from + SectionView.checkedByteCount, offset + size)
                bytes.put(bytes.checksum(of: from..<end), at: at)
                at += 4
            }
        }
        bytes.put(bytes.checksum(of: footer..<trailer), at: trailer + 4)
    }
}

/// What comes of reading a segment in one way.
private struct SegmentReading {
    /// Why it failed.
    private(set) var failure: String?
    /// An answer that cannot be one, or an error that does not say what is damaged.
    private(set) var surprise: String?

    /// Each query, checking, merging.
    static let kindCount = queries.count + 2

    private static let queries: [Query] = [
        .text("国", fields: []), .text("国际", fields: []), .text("国际数字", fields: []), .text("A股", fields: []),
        .text("数字国际国", fields: []), .text("abc", fields: []), .prefix("ab", fields: []), .text("国abc", fields: []),
        .or([.text("国际", fields: []), .text("数字", fields: []), .text("한국", fields: [])]),
        .and([.text("国", fields: []), .not(.text("abc 12", fields: []))]), .equals(field: "tag", "news"),
        .range(field: "year", lower: RangeBound("-5"), upper: RangeBound("20", inclusive: false)),
        .and([.text("数字", fields: []), .range(field: "price", lower: nil, upper: RangeBound("9"))]),
        .equals(field: "on", "true"), .range(field: "day", lower: RangeBound("2023-01-03"), upper: nil), .all,
    ]

    init(_ file: [UInt8], _ registry: FieldRegistry, kind: Int) {
        let directory = MemoryDirectory(files: [FuzzIndex.file: file])
        do {
            let reader = try SegmentReader(directory, FuzzIndex.file)
            switch kind {
            case ..<Self.queries.count: try search(Self.queries[kind], reader, registry)
            case Self.queries.count: try SegmentCheck.run(reader)
            default: try Self.merge(reader, registry)
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
        }
    }

    /// Twice the segment to one.
    private static func merge(_ reader: SegmentReader, _ registry: FieldRegistry) throws {
        let inputs = [
            MergeInput(reader, live: nil, firstDocument: 0),
            MergeInput(reader, live: nil, firstDocument: UInt32(reader.meta.documentCount)),
        ]
        let directory = MemoryDirectory()
        let merger = SegmentMerger(
            inputs, directory: directory, MergeControl(), MemoryShares(64 << 20), promotion: registry.promotion)
        guard try merger.run(id: 1, fieldNames: registry.names) != nil else { return }
        _ = try SegmentReader(directory, FuzzIndex.file)
    }
}
