// A whole segment: what damage to any of its bytes does, and that its files do not change.

import Foundation
import SakuinTestSupport
import Testing

@testable import SakuinEngine

/// The documents of the golden index; they never change within a format version.
enum GoldenDocuments {
    static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
        FieldDefinition(name: "year", type: .integer), FieldDefinition(name: "part", analyzer: .ngram(3)),
    ])

    static let all: [Document] = (0..<40).map { i in
        Document(
            key: "golden-\(i)",
            [
                "title": .string("第\(i)号 国 际 数 字"), "tag": .string(i % 2 == 0 ? "偶数" : "奇数"),
                "body": .string("依托\n5G网络，記事\(i)の本文ｶﾞ 한국어 뉴스 number \(i * 37 % 11) 𠮷野家"),
                "year": .integer(Int64(1990 + i % 7)), "part": .string("AB-\(1000 + i)"),
            ])
    }

    /// Queries with the number of documents that match.
    static let answers: [(String, Int)] = [
        ("国际数字", 40), ("依托5G网络", 40), ("5g网", 40), ("第7", 1), ("7号", 1), ("事7の", 1), ("第1*", 11), ("国语 number", 0),
        ("ガ", 40), ("第7号", 1), ("tag:偶数", 20), ("year:[1990 TO 1991]", 12),
        ("number -year:1990", 34), ("\"한국어 뉴스\"", 40), ("𠮷野家", 40), ("part:1003", 1), ("part:AB", 40), ("网路", 0),
    ]
}

/// Documents whose characters have lists of several blocks, with frequencies above 1; they never change.
enum GoldenLists {
    static let count = 600
    static let schema = Schema(fields: [FieldDefinition(name: "text")])

    static func text(_ i: Int) -> String {
        var parts = ["天地玄黄"]
        if i % 2 == 0 { parts.append("宇宙洪荒") }
        if i % 5 == 1 { parts.append("日月日日月月日") }
        if i % 9 < 4 { parts.append(String(repeating: "辰宿", count: 1 + i % 4)) }
        if i % 200 == 17 { parts.append("地玄宿辰") }
        return parts.joined(separator: "，")
    }

    static let all: [Document] = (0..<count).map { Document(key: "long-\($0)", ["text": .string(text($0))]) }

    /// Queries with the documents that match.
    static let answers: [(String, @Sendable (Int) -> Bool)] = [
        ("天", { _ in true }), ("玄黄", { _ in true }), ("天地玄黄", { _ in true }), ("洪", { $0 % 2 == 0 }),
        ("宙洪荒", { $0 % 2 == 0 }), ("月月日", { $0 % 5 == 1 }), ("日日月", { $0 % 5 == 1 }), ("月日月", { _ in false }),
        ("宿辰宿", { $0 % 9 < 4 && $0 % 4 > 0 }), ("宿辰宿辰宿辰宿", { $0 % 9 < 4 && $0 % 4 == 3 }),
        ("玄宿辰", { $0 % 200 == 17 }), ("宿辰 宇宙", { $0 % 2 == 0 && $0 % 9 < 4 && $0 % 4 > 0 }),
        ("黄 -日月", { $0 % 5 != 1 }), ("日 OR 荒", { $0 % 2 == 0 || $0 % 5 == 1 }),
    ]
}

/// Documents with several keywords in a field; they never change.
enum GoldenKeywords {
    static let count = 150
    static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "tags", type: .keyword, multiple: true),
    ])

    /// None, or up to seven, of which some stand twice.
    static func tags(_ i: Int) -> [String] {
        (0..<(i % 5 == 3 ? 0 : i % 7 + 1)).map { ["政治", "经济", "Ｎews", "number \(i * $0 % 300)", "体育"][(i + $0) % 5] }
    }

    static let all: [Document] = (0..<count).map { i in
        Document(key: "tagged-\(i)", ["title": .string("第\(i)号"), "tags": .strings(tags(i))])
    }

    /// Queries with the documents that match, by their tags.
    static let answers: [(String, @Sendable ([String]) -> Bool)] = [
        ("tags:政治", { $0.contains("政治") }), ("tags:news -tags:体育", { $0.contains("Ｎews") && !$0.contains("体育") }),
        ("tags:numb*", { $0.contains { $0.hasPrefix("number") } }), ("tags:*", { !$0.isEmpty }),
        ("tags:[\"number 2\" TO \"number 3\"}", { $0.contains { $0.hasPrefix("number 2") } }),
        ("tags:>=经济", { $0.contains("经济") || $0.contains("Ｎews") }),
    ]
}

@Suite struct SegmentTests {
    private func index(
        _ directory: any Directory, isCompact: Bool = false, analyzerVersion: UInt32? = nil
    ) async throws -> SearchIndex {
        var options = IndexOptions()
        options.analyzerVersion = analyzerVersion
        options.laneCount = 1
        options.promotion = PromotionRule(thresholdMin: 20, postingShareMax: 1, wholeShareThreshold: 1)
        var schema = GoldenDocuments.schema
        schema.compact = isCompact
        let index = try SearchIndex.open(directory, schema: schema, options: options)
        _ = try await index.write(WriteBatch(GoldenDocuments.all.map { .put($0) }))
        _ = try await index.compact(segments: 1)
        return index
    }

    private func check(_ index: SearchIndex, _ place: String) throws {
        for (query, count) in GoldenDocuments.answers {
            let response = try index.searchNow(SearchRequest(query, limit: 50))
            #expect(response.total == Total(count), "\(place): \(query)")
            #expect(response.complete)
        }
    }

    @Test func everyFlippedByteIsFoundOrHarmless() async throws {
        let directory = MemoryDirectory()
        let index = try await index(directory)
        try check(index, "whole")
        index.abandon()
        let name = try #require(try directory.list().first { $0.hasSuffix(".seg") })
        let good = try directory.read(name)
        let expected = try contents(directory, name)
        var found = 0
        for place in good.indices {
            var damaged = good
            damaged[place] ^= UInt8(1 << (place % 8))
            directory.overwrite(name, with: damaged)
            do {
                // Only the padding between sections is under no checksum.
                #expect(try contents(directory, name) == expected, "byte \(place)")
            } catch is StorageError {
                found += 1
            }
        }
        #expect(found > good.count * 97 / 100)
    }

    @Test func everyTruncationIsFound() async throws {
        let directory = MemoryDirectory()
        try await index(directory).abandon()
        let name = try #require(try directory.list().first { $0.hasSuffix(".seg") })
        let good = try directory.read(name)
        for length in stride(from: 0, to: good.count, by: 7) {
            directory.overwrite(name, with: Array(good[..<length]))
            #expect(throws: StorageError.self) { try SegmentReader(directory, name) }
        }
    }

    /// Everything a segment says, in one value.
    private func contents(_ directory: MemoryDirectory, _ name: String) throws -> [String] {
        let reader = try SegmentReader(directory, name)
        try SegmentCheck.run(reader)
        var lines: [String] = []
        var cache = DocumentBlockCache()
        for document in 0..<UInt32(reader.meta.documentCount) {
            try reader.documents.document(document, &cache) { (bytes) throws(StorageError) in
                lines.append(
                    "\(try EncodedDocumentReader.decode(bytes, names: reader.meta.fieldNames, file: name))")
            }
        }
        var grams = reader.grams.iterator()
        while try grams.next() { lines.append("\(grams.key) \(grams.info.documentFrequency)") }
        return lines
    }

    /// A folder of golden files as this test may change it; when that of the newest format is missing, `write` makes it.
    private func golden(
        _ name: String, isNewest: Bool, _ write: (any Directory) async throws -> SearchIndex
    ) async throws -> URL {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let golden = tests.appendingPathComponent("Golden/\(name)")
        if isNewest, !FileManager.default.fileExists(atPath: golden.path) {
            try await write(try DiskDirectory(golden.path, create: true)).close()
            try FileManager.default.removeItem(at: golden.appendingPathComponent("LOCK"))
        }
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("sakuin-golden-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: golden, to: copy)
        return copy
    }

    /// A golden folder, and the analyzer versions of its segments when they have been merged with one that is written.
    struct GoldenFolder: CustomTestStringConvertible {
        var format: UInt32
        /// Of the segments in it; nil: that of compact indexes, once 3.
        var analyzer: UInt32?
        var merged: [UInt32]

        var name: String { "v\(format)" + (analyzer.map { "-analyzer\($0)" } ?? "") }
        var testDescription: String { name }

        static let all =
            (SegmentLayout.oldestFormatVersion...SegmentLayout.formatVersion).map {
                GoldenFolder(format: $0, merged: $0 == 3 ? [1, 4] : $0 < 8 ? [4] : [5])
            }
            + [(2, 4), (4, 4), (5, 5)].map { GoldenFolder(format: 9, analyzer: $0.0, merged: [$0.1]) }
    }

    /// The golden folder of each format version that is read (from 8 on of compact indexes, and of the newest by analyzer
    /// version) is opened, searched, and rewritten by a compaction; when one of the newest is missing, this run writes it.
    @Test(arguments: GoldenFolder.all)
    func goldenFilesOpenAndAnswer(folder: GoldenFolder) async throws {
        let version = folder.format
        let copy = try await golden(folder.name, isNewest: version == SegmentLayout.formatVersion) {
            let analyzer = folder.analyzer ?? 3
            return try await self.index($0, isCompact: Analyzer.hasLinks(version: analyzer), analyzerVersion: analyzer)
        }
        defer { try? FileManager.default.removeItem(at: copy) }
        let index = try SearchIndex.open(path: copy.path)
        try check(index, "golden")
        #expect(index.statisticsNow().documents == GoldenDocuments.all.count)
        let document = try index.getNow(["golden-7"])[0]
        #expect(document == GoldenDocuments.all[7])
        #expect(try await index.segments().map(\.formatVersion) == [Int(version)])
        // One segment is as few as there can be, and is still rewritten when its format is older.
        _ = try await index.compact(segments: 1)
        #expect(try await index.segments().map(\.formatVersion) == [Int(SegmentLayout.formatVersion)])
        try check(index, "golden, rewritten")
        // Replaced by itself, so that there is something to rewrite, and a new segment beside it.
        _ = try await index.write(WriteBatch([.put(GoldenDocuments.all[7])]))
        _ = try await index.refresh()
        try check(index, "golden, with a new segment")
        _ = try await index.compact(segments: 1)
        #expect(try await index.segments().allSatisfy { $0.formatVersion == Int(SegmentLayout.formatVersion) })
        let analyzerVersions = index.store.snapshot.segments.map(\.reader.meta.analyzerVersion)
        #expect(analyzerVersions.sorted() == folder.merged)
        try check(index, "golden, compacted")
        try index.close()
        #expect(try IndexCheck.run(path: copy.path).problems.isEmpty)
    }

    /// The same for lists of several blocks, from the format on that has golden files of them.
    @Test(arguments: 6...SegmentLayout.formatVersion)
    func goldenLongListsAnswer(version: UInt32) async throws {
        let isNewest = version == SegmentLayout.formatVersion
        let copy = try await golden("v\(version)-long", isNewest: isNewest) { directory in
            var options = IndexOptions()
            options.laneCount = 1
            var schema = GoldenLists.schema
            schema.compact = true
            let index = try SearchIndex.open(directory, schema: schema, options: options)
            _ = try await index.write(WriteBatch(GoldenLists.all.map { .put($0) }))
            _ = try await index.compact(segments: 1)
            return index
        }
        defer { try? FileManager.default.removeItem(at: copy) }
        let index = try SearchIndex.open(path: copy.path)
        func check(_ place: String) throws {
            for (query, matches) in GoldenLists.answers {
                let expected = (0..<GoldenLists.count).filter(matches).map { "long-\($0)" }
                var request = SearchRequest(query, limit: 1_000)
                request.sort = [SortKey("_key")]
                let response = try index.searchNow(request)
                #expect(response.total == Total(expected.count), "\(place): \(query)")
                #expect(response.hits.map(\.key) == expected.sorted(), "\(place): \(query)")
            }
        }
        #expect(try await index.segments().map(\.formatVersion) == [Int(version)])
        try check("golden")
        _ = try await index.write(WriteBatch([.put(GoldenLists.all[7])]))
        _ = try await index.compact(segments: 1)
        #expect(try await index.segments().map(\.formatVersion) == [Int(SegmentLayout.formatVersion)])
        try check("golden, compacted")
        try index.close()
        #expect(try IndexCheck.run(path: copy.path).problems.isEmpty)
    }

    /// The same for a field with several keywords, whose column is of a kind of its own.
    @Test func goldenKeywordsAnswer() async throws {
        let copy = try await golden("v9-keywords", isNewest: SegmentLayout.formatVersion == 9) { directory in
            var options = IndexOptions()
            options.laneCount = 1
            let index = try SearchIndex.open(directory, schema: GoldenKeywords.schema, options: options)
            _ = try await index.write(WriteBatch(GoldenKeywords.all.map { .put($0) }))
            _ = try await index.compact(segments: 1)
            return index
        }
        defer { try? FileManager.default.removeItem(at: copy) }
        let index = try SearchIndex.open(path: copy.path)
        func check(_ place: String) throws {
            for (query, matches) in GoldenKeywords.answers {
                let expected = (0..<GoldenKeywords.count).filter { matches(GoldenKeywords.tags($0)) }
                let found = try index.searchNow(SearchRequest(query, limit: 1_000)).hits.map(\.key)
                #expect(Set(found) == Set(expected.map { "tagged-\($0)" }), "\(place): \(query)")
            }
            var request = SearchRequest("*:*", limit: 1)
            request.sort = [SortKey("tags"), SortKey("_key")]
            request.facets = [FacetRequest("tags", limit: 1)]
            let response = try index.searchNow(request)
            let counts = ["政治", "经济", "Ｎews", "体育"].map { tag in
                (0..<GoldenKeywords.count).count { GoldenKeywords.tags($0).contains(tag) }
            }
            #expect(response.facets[0].values.map(\.count) == [counts.max() ?? 0], "\(place)")
            #expect(response.facets[0].missingCount == 30, "\(place)")
            #expect(try index.getNow(["tagged-6"])[0] == GoldenKeywords.all[6], "\(place)")
        }
        #expect(try await index.segments().map(\.formatVersion) == [9])
        try check("golden")
        _ = try await index.write(WriteBatch([.put(GoldenKeywords.all[7])]))
        _ = try await index.compact(segments: 1)
        try check("golden, compacted")
        try index.close()
        #expect(try IndexCheck.run(path: copy.path).problems.isEmpty)
    }
}
