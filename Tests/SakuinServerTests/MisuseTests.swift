// What nobody should ask: an index in the process and one on a server refuse it with the same words.

import SakuinClient
import SakuinEngine
import SakuinProtocol
import Testing

@Suite struct MisuseTests {
    private typealias Call = @Sendable (any SearchService) async throws -> Void

    private static func search(_ name: String, _ change: @Sendable @escaping (inout SearchRequest) -> Void) -> (
        String, Call
    ) {
        (
            name,
            { index in
                var request = SearchRequest("検索")
                change(&request)
                _ = try await index.search(request)
            }
        )
    }

    private static func tree(depth: Int) -> Query {
        (1..<depth).reduce(Query.text("検索", fields: [])) { inner, _ in .boost(inner, 1) }
    }

    private static let wide = Query.or(Array(repeating: .all, count: Query.nodeCountMax))

    private static let searches: [(String, Call)] = [
        search("limit below 0") { $0.limit = -1 },
        search("offset below 0") { $0.offset = -1 },
        search("limit beyond 32 bits") { $0.limit = 1 << 32 },
        search("offset beyond all") { $0.offset = .max },
        search("total below 0") { $0.total = .atLeast(-1) },
        search("facet below 0") { $0.facets = [FacetRequest("year", limit: -1)] },
        search("distance below 0") { $0.query = .tree(.near(["検", "索"], distance: -1, fields: [])) },
        search("distance beyond 32 bits") { $0.query = .tree(.near(["検", "索"], distance: 1 << 40, fields: [])) },
        search("deep tree") { $0.query = .tree(tree(depth: 65)) },
        search("very deep filter") { $0.filter = .tree(tree(depth: 3_000)) },
        search("wide tree") { $0.query = .tree(wide) },
        search("empty token") { $0.pointInTime = "" },
    ]

    private static let others: [(String, Call)] = [
        ("delete what no query says", { _ = try await $0.delete(matching: DeletionRequest("")) }),
        ("delete all unsaid", { _ = try await $0.delete(matching: DeletionRequest(.tree(.and([.all])))) }),
        ("delete by a deep tree", { _ = try await $0.delete(matching: DeletionRequest(.tree(tree(depth: 65)))) }),
        ("empty key", { _ = try await $0.write(WriteBatch([.put(Document(key: "", ["title": "a"]))])) }),
        ("no key field", { _ = try await $0.write(WriteBatch([.putJSON(Array("{}".utf8), keyField: "")])) }),
        ("empty idempotency key", { _ = try await $0.write(WriteBatch([.delete("a")], idempotencyKey: "")) }),
        ("get at an empty token", { _ = try await $0.fetch(["a"], at: ReadMoment(pointInTime: "")) }),
        ("export of an empty token", { _ = try await $0.export(pointInTime: "") }),
        ("lease below 0", { _ = try await $0.openPointInTime(leaseMilliseconds: -1) }),
        ("lease beyond 32 bits", { _ = try await $0.openPointInTime(leaseMilliseconds: 1 << 32 + 1) }),
        (
            "point in time of another",
            { _ = try await $0.openPointInTime(leaseMilliseconds: 9, at: ReadMoment(pointInTime: "a")) }
        ),
        ("segments below 0", { _ = try await $0.compact(segments: -1) }),
        ("job at no speed", { _ = try await $0.startCompaction(CompactionOptions(bytesPerSecond: 0)) }),
        ("estimate of less than nothing", { _ = try await $0.estimateCompaction(CompactionOptions(segments: -1)) }),
        ("check at no speed", { _ = try await $0.startCheck(bytesPerSecond: 0) }),
        ("merges at no speed", { _ = try await $0.control(job: 0, .throttle(bytesPerSecond: -1)) }),
    ]

    private static func refusal(_ call: Call, _ index: any SearchService) async throws -> SakuinError? {
        do { try await call(index) } catch let error as SakuinError { return error }
        return nil
    }

    @Test func isRefusedAlikeHereAndThere() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let here = try server.catalog.indexNow("i")
        let there = try await client.index("i")
        for (name, call) in Self.searches + Self.others {
            let refused = try await Self.refusal(call, here)
            #expect(refused != nil, "\(name)")
            #expect(try await Self.refusal(call, there) == refused, "\(name)")
        }
        let stream = try await there.stream()
        await #expect(throws: SakuinError.self) { try await stream.send([.delete("a")], idempotencyKey: "") }
        #expect(try await there.statistics().sequence == 0)
        _ = try await there.search(SearchRequest(.tree(Self.tree(depth: 64))))
        await client.close()
        try await server.stop()
    }

    /// The wire says "none" by an empty name: who gives one means something else.
    @Test func emptyNamesOfSnapshotsAreNone() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        func refusals(_ catalog: some CatalogService) async throws -> [SakuinError] {
            var refusals: [SakuinError] = []
            do { _ = try await catalog.createSnapshot(of: "i", name: "") } catch let error as SakuinError {
                refusals.append(error)
            }
            do { _ = try await catalog.listSnapshots(of: "") } catch let error as SakuinError {
                refusals.append(error)
            }
            do { _ = try await catalog.restoreSnapshot("s", of: "i", as: "") } catch let error as SakuinError {
                refusals.append(error)
            }
            return refusals
        }
        let here = try await refusals(server.catalog)
        #expect(here.map(\.field) == ["snapshot", "index", "name"])
        #expect(here.allSatisfy { $0.code == .invalidArgument && $0.nextStep != nil })
        #expect(try await refusals(client) == here)
        #expect(try await client.listSnapshots(of: nil).isEmpty)
        await client.close()
        try await server.stop()
    }

    /// Another may have the folder by then, and what the index saw grows old.
    @Test func aClosedIndexReadsNothing() async throws {
        let server = try await RunningServer.start()
        try server.catalog.createNow("i", .standard)
        let index = try server.catalog.indexNow("i")
        _ = try await index.write(WriteBatch([.put(Document(key: "a", ["title": "検索"]))]))
        var pages = try await index.export().makeAsyncIterator()
        try server.catalog.dropNow("i")
        let calls: [(String, Call)] = [
            ("search", { _ = try await $0.search(SearchRequest("検索")) }), ("get", { _ = try await $0.get(["a"]) }),
            ("delete", { _ = try await $0.delete(matching: DeletionRequest("検索")) }),
            ("statistics", { _ = try await $0.statistics() }), ("segments", { _ = try await $0.segments() }),
            ("jobs", { _ = try await $0.jobs() }), ("refresh", { _ = try await $0.refresh() }),
            ("open", { _ = try await $0.openPointInTime(leaseMilliseconds: 9) }),
        ]
        for (name, call) in calls {
            #expect(try await Self.refusal(call, index)?.code == .unavailable, "\(name)")
        }
        #expect(throws: SakuinError.self) { try index.searchNow(SearchRequest("検索"), withinNanoseconds: .max) }
        // What had begun goes on.
        #expect(try await pages.next()?.map(\.key) == ["a"])
        try await server.stop()
    }
}
