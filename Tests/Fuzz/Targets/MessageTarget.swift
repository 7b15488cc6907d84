// Messages of the wire: what a server reads of a client, and a client of a server.

import SakuinTypes

@testable import SakuinProtocol

extension FuzzTarget {
    /// What is read can be written and read again, and says the same then; searches and their replies, which have readers of
    /// their own, are read as the protobuf library does. The first byte chooses the message.
    static let messages = FuzzTarget(
        name: "messages", seeds: messageSeeds,
        run: { bytes in
            guard let kind = bytes.first else { return nil }
            let payload = UnsafeRawBufferPointer(rebasing: bytes[1...])
            switch kind % 8 {
            case 0:
                return again(payload, WireCodec.decodeRequest, WireCodec.encode)
                    ?? same(payload, WireCodec.decodeRequest, WireCodec.decodeAnyRequest)
            case 1:
                return again(payload, WireCodec.decodeReply, WireCodec.encode)
                    ?? same(payload, WireCodec.decodeReply, WireCodec.decodeAnyReply)
            case 2: return again(payload, WireCodec.decodeReceipt, WireCodec.encode)
            case 3: return again(payload, WireCodec.decodePage, WireCodec.encode)
            case 4: return again(payload, WireCodec.decodeStatus, WireCodec.encode)
            case 5: return again(payload, WireCodec.decodeHello, WireCodec.encode)
            case 6: return again(payload, WireCodec.decodeWelcome, WireCodec.encode)
            default:
                return again(
                    payload,
                    { (bytes) throws(SakuinError) in
                        try WireCodec.decodeBatch(bytes, acknowledge: .disk, rejection: .wholeBatch)
                    },
                    { WireCodec.encode($0.operations, idempotencyKey: $0.idempotencyKey) })
            }
        })

    /// nil when the bytes are refused, or when the value they say comes back.
    private static func again<Value>(
        _ payload: UnsafeRawBufferPointer, _ decode: (UnsafeRawBufferPointer) throws(SakuinError) -> Value,
        _ encode: (Value) -> [UInt8]
    ) -> String? {
        guard let value = try? decode(payload) else { return nil }
        do {
            let back = try encode(value).withUnsafeBytes { raw in try decode(raw) }
            // By their descriptions, in which numbers that are none are equal.
            let (said, heard) = ("\(value)", "\(back)")
            return said == heard ? nil : "\(said) came back as \(heard)"
        } catch {
            return "\(value) cannot be read again: \(error)"
        }
    }

    private static func same<Value>(
        _ payload: UnsafeRawBufferPointer, _ one: (UnsafeRawBufferPointer) throws(SakuinError) -> Value,
        _ other: (UnsafeRawBufferPointer) throws(SakuinError) -> Value
    ) -> String? {
        func read(_ decode: (UnsafeRawBufferPointer) throws(SakuinError) -> Value) -> String {
            do { return "\(try decode(payload))" } catch { return "\(error)" }
        }
        let (said, wanted) = (read(one), read(other))
        return said == wanted ? nil : "\(said) instead of \(wanted)"
    }

    private static func messageSeeds() -> [[UInt8]] {
        var search = SearchRequest(.text("国际 AND (数字 OR title:\"经济\")"))
        search.filter = .tree(.range(field: "year", lower: RangeBound("2020"), upper: nil))
        search.sort = [SortKey("year", descending: true)]
        search.returnFields = .named(["title"])
        search.variants = .han
        search.facets = [FacetRequest("year", limit: 5), FacetRequest("year", ranges: [FacetRange("old", to: "2000")])]
        let document = Document(
            key: "k1",
            fields: [
                .init("title", .string("国际数字经济")), .init("year", .integer(2023)), .init("price", .float(1.5)),
                .init("on", .boolean(true)),
            ])
        var deletion = DeletionRequest(search.query)
        deletion.filter = search.filter
        deletion.variants = .all
        deletion.isDryRun = true
        let calls: [WireCall] = [
            .deleteMatching(index: "a", deletion), .listIndexes, .search(index: "a", search),
            .search(index: "b", SearchRequest(.text("国际"))),
            .get(index: "a", keys: ["k1", "k2"], ReadMoment()), .createIndex(name: "a", schema: nil),
            .write(index: "a", WriteBatch([.put(document), .delete("k2")])),
            .controlJob(index: "a", number: 3, .pause), .export(index: "a", pointInTime: nil),
        ]
        var response = SearchResponse(
            hits: [Hit(key: "k1", score: 1.25, fields: document.fields)], total: Total(1), complete: true)
        response.hits[0].spans = [FieldSpans(field: "title", spans: [TextSpan(start: 0, end: 6)])]
        var counted = response
        counted.facets = [
            Facet(
                field: "year",
                values: [
                    FacetCount(.integer(-3), 2), FacetCount(.float(1.5), 1), FacetCount(.boolean(true), 1),
                    FacetCount(.date(milliseconds: 1_699_488_000_000), 1), FacetCount(.keyword("索引"), 1),
                ], distinctCount: 6, ranges: [FacetRangeCount("old", 3)], otherCount: 1, missingCount: 2)
        ]
        let error = SakuinError(.invalidArgument, "No.", field: "limit", limit: "10", value: "11", nextStep: "Less.")
        return calls.map { [0] + WireCodec.encode(WireRequest($0, deadlineMilliseconds: 100)) }
            + [
                [1] + WireCodec.encode(.search(response)), [1] + WireCodec.encode(.search(counted)),
                [1]
                    + WireCodec.encode(
                        .deletion(DeletionReceipt(matched: 3, deleted: 2, skipped: 1, sequence: 9, level: .log))),
                [3] + WireCodec.encode(WirePage([document])),
                [4] + WireCodec.encode(error),
                [7] + WireCodec.encode([.put(document), .delete("k")], idempotencyKey: "i"),
            ]
    }
}
