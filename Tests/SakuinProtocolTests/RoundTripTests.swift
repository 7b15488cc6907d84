// Every message comes back as it went; no bytes can trap the decoders.

import SakuinTypes
import Testing

@testable import SakuinProtocol

@Suite struct RoundTripTests {
    static let acks = AcknowledgementLevel.allCases
    static let rejections = RejectionPolicy.allCases

    static func call(_ random: inout WireRandom) -> WireCall {
        let index = random.name()
        return switch random.below(26) {
        case 0: .createIndex(name: index, schema: random.flag() ? random.schema() : nil)
        case 1: .listIndexes
        case 2: .dropIndex(name: index)
        case 3: random.flag() ? .aliasIndex(name: index, target: random.name()) : .reopenIndex(name: index)
        case 4:
            .write(
                index: index,
                WriteBatch(
                    random.operations(), acknowledge: random.pick(acks), rejection: random.pick(rejections),
                    idempotencyKey: random.flag() ? "k" + random.text() : nil))
        case 5, 6: .search(index: index, random.search())
        case 7: .get(index: index, keys: random.list(4) { $0.text() }, random.moment())
        case 8: .refresh(index: index)
        case 9: .commit(index: index)
        case 10: random.flag() ? .statistics(index: index) : .segments(index: index)
        case 11: .compact(index: index, segments: random.below(9))
        case 12: .startCompaction(index: index, random.compaction())
        case 13: .estimateCompaction(index: index, random.compaction())
        case 14: random.flag() ? .listJobs(index: index) : .listJobs(index: "")
        case 15: .controlJob(index: index, number: random.next(), random.action())
        case 16:
            .importStream(index: index, acknowledge: random.pick(acks), rejection: random.pick(rejections))
        case 17: .createSnapshot(index: index, name: random.flag() ? random.name() : nil)
        case 18: .listSnapshots(index: random.flag() ? index : nil)
        case 19:
            .restoreSnapshot(index: index, name: random.name(), newName: random.flag() ? random.name() : nil)
        case 20: .deleteSnapshot(index: index, name: random.name())
        case 21:
            .openPointInTime(
                index: index, leaseMilliseconds: random.below(1 << 20),
                ReadMoment(minSequence: random.next(), waitLimitMilliseconds: random.below(1 << 20)))
        case 22: .closePointInTime(index: index, token: random.name())
        case 24: .deleteMatching(index: index, random.deletion())
        case 23: .startCheck(index: index, bytesPerSecond: random.flag() ? 1 + random.below(1 << 40) : nil)
        default: .export(index: index, pointInTime: random.flag() ? random.name() : nil)
        }
    }

    static func reply(_ random: inout WireRandom) -> WireReply {
        switch random.below(16) {
        case 0: .done
        case 1:
            .indexes(
                random.list(3) {
                    IndexListing(
                        name: $0.name(), aliases: $0.list(2) { $0.name() }, documents: $0.below(1 << 40),
                        bytes: $0.below(1 << 50), problems: $0.list(2) { $0.text() })
                })
        case 2: .receipt(random.receipt())
        case 3: .search(random.response())
        case 4:
            .documents(
                FetchedDocuments(
                    random.list(4) { $0.flag() ? $0.document() : nil }, missing: random.list(2) { $0.text() }))
        case 5: .sequence(random.next())
        case 6: .statistics(random.statistics())
        case 7:
            .segments(
                random.list(3) {
                    SegmentStatistics(
                        file: $0.text(), formatVersion: $0.below(9), documents: $0.below(1 << 32),
                        deletedDocuments: $0.below(1 << 32), bytes: $0.below(1 << 50), committed: $0.flag(),
                        sections: $0.list(3) { .init(name: $0.name(), bytes: $0.below(1 << 40)) })
                })
        case 8: .job(random.job())
        case 9: .jobs(random.list(3) { $0.job() })
        case 10: .estimate(random.estimate())
        case 11: .snapshot(random.snapshot())
        case 12:
            .pointInTime(
                PointInTime(
                    token: random.name(), sequence: random.next(), leaseMilliseconds: random.below(1 << 20)))
        case 14:
            .deletion(
                DeletionReceipt(
                    matched: random.below(1 << 40), deleted: random.below(1 << 40), skipped: random.below(1 << 40),
                    sequence: random.next(), level: random.pick(acks), notes: random.list(2) { $0.text() }))
        case 13: .snapshots(random.list(3) { $0.snapshot() })
        default:
            .compaction(
                CompactionReport(
                    segmentsBefore: random.below(99), segmentsAfter: random.below(9),
                    bytesBefore: random.below(1 << 50),
                    bytesAfter: random.below(1 << 50), milliseconds: random.below(1 << 30)))
        }
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func requestsAndReplies(seed: UInt64) throws {
        var random = WireRandom(seed: seed)
        for _ in 0..<5 {
            let request = WireRequest(Self.call(&random), deadlineMilliseconds: UInt32(random.below(5000)))
            #expect(try WireCodec.encode(request).withUnsafeBytes { try WireCodec.decodeRequest($0) } == request)
            let reply = Self.reply(&random)
            #expect(try WireCodec.encode(reply).withUnsafeBytes { try WireCodec.decodeReply($0) } == reply)
            let error = random.error()
            #expect(try WireCodec.encode(error).withUnsafeBytes { try WireCodec.decodeStatus($0) } == error)
            let receipt = random.receipt()
            #expect(try WireCodec.encode(receipt).withUnsafeBytes { try WireCodec.decodeReceipt($0) } == receipt)
            let page = WirePage(random.list(4) { $0.document() }, missing: random.list(2) { $0.text() })
            #expect(try WireCodec.encode(page).withUnsafeBytes { try WireCodec.decodePage($0) } == page)
            let batch = WriteBatch(
                random.operations(), acknowledge: .log, rejection: .eachOperation,
                idempotencyKey: random.flag() ? "k" + random.text() : nil)
            let bytes = WireCodec.encode(batch.operations, idempotencyKey: batch.idempotencyKey)
            let back = try bytes.withUnsafeBytes {
                try WireCodec.decodeBatch($0, acknowledge: .log, rejection: .eachOperation)
            }
            #expect(back == batch)
        }
    }

    /// Replies to searches are written and read by hand; the library has to make the same of them.
    @Test(arguments: 0..<300 as Range<UInt64>)
    func searchRepliesAreAsTheLibraryMakesThem(seed: UInt64) throws {
        var random = WireRandom(seed: seed)
        let response = random.response()
        let bytes = WireCodec.encode(.search(response))
        let message = try bytes.withUnsafeBytes { try WireCodec.decode($0, as: Sakuin_V1_Reply.self) }
        #expect(WireCodec.bytes(message) == bytes)
        // What has facets is left to the library.
        let read = bytes.withUnsafeBytes { SearchReplyCodec.decode($0) }
        #expect(read == (response.facets.isEmpty ? response : nil))
        // A field it does not know leaves the message to the library, which steps over it.
        #expect((bytes + [0xF8, 0x7F, 1]).withUnsafeBytes { SearchReplyCodec.decode($0) } == nil)
        for cut in 0..<min(bytes.count, 64) {
            #expect(bytes[..<cut].withUnsafeBytes { SearchReplyCodec.decode($0) } == nil)
        }
    }

    /// Requests for searches too, as far as they are done by hand.
    @Test(arguments: 0..<300 as Range<UInt64>)
    func searchRequestsAreAsTheLibraryMakesThem(seed: UInt64) throws {
        var random = WireRandom(seed: seed)
        var search = random.search()
        if seed % 3 > 0 {
            search.query = .text(random.text())
            search.filter = nil
            search.sort = []
            search.pointInTime = nil
            search.facets = []
            search.variants = []
            search.returnFields = random.pick([.none, .all])
        }
        let request = WireRequest(
            .search(index: random.flag() ? random.name() : "", search), deadlineMilliseconds: UInt32(random.below(300)))
        let bytes = WireCodec.encode(request)
        let message = try bytes.withUnsafeBytes { try WireCodec.decode($0, as: Sakuin_V1_Request.self) }
        #expect(WireCodec.bytes(message) == bytes)
        let read = bytes.withUnsafeBytes { SearchRequestCodec.decode($0) }
        #expect(read == request || (seed % 3 == 0 && read == nil))
        #expect((bytes + [0xF8, 0x7F, 1]).withUnsafeBytes { SearchRequestCodec.decode($0) } == nil)
        for cut in 0..<bytes.count {
            #expect(bytes[..<cut].withUnsafeBytes { SearchRequestCodec.decode($0) } == nil)
        }
    }

    @Test func unusualSearchRequestsAreLeftToTheLibrary() throws {
        let plain = Array(WireCodec.encode(WireRequest(.search(index: "i", SearchRequest("a")))))
        #expect(plain[0] == 7 << 3 | 2 && Int(plain[1]) == plain.count - 2)
        let unusual: [[UInt8]] = [
            [2 << 3 | 2, 3, 1 << 3 | 2, 1, 0x62],  // a second query, which takes the place of the first
            [5 << 3, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],  // a limit of more than 32 bits
            [0x82, 1, 1, 0x70],  // a point in time
            [0x8A, 1, 3, 0x0A, 1, 0x66],  // a facet
            [0x90, 1, 3],  // variants
        ]
        for extra in unusual {
            let bytes = [plain[0], plain[1] + UInt8(extra.count)] + plain[2...] + extra
            bytes.withUnsafeBytes { raw in
                #expect(SearchRequestCodec.decode(raw) == nil)
                #expect(throws: Never.self) { try WireCodec.decodeRequest(raw) }
            }
        }
        // Query text that is no UTF-8 is refused by name, not as a bad payload.
        let text = try #require(plain.firstIndex(of: 0x61))
        var broken = plain
        broken[text] = 0xFF
        let error = #expect(throws: SakuinError.self) {
            try broken.withUnsafeBytes { try WireCodec.decodeRequest($0) }
        }
        #expect(error?.field == "query")
    }

    /// Wherever in a key the byte is that makes it no text: keys are looked at eight bytes at a time.
    @Test func keysThatAreNoTextAreRefused() throws {
        for count in 1...20 {
            let hit = Hit(key: String(repeating: "k", count: count), score: 1)
            let response = SearchResponse(hits: [hit], total: Total(1), complete: true)
            let good = WireCodec.encode(.search(response))
            let first = try #require(good.firstIndex(of: UInt8(ascii: "k")))
            #expect(good.withUnsafeBytes { SearchReplyCodec.decode($0) } == response)
            for place in 0..<count {
                var bad = good
                bad[first + place] = 0xB0
                #expect(throws: SakuinError.self, "byte \(place) of \(count)") {
                    try bad.withUnsafeBytes { try WireCodec.decodeReply($0) }
                }
            }
        }
    }

    @Test func handshake() throws {
        let hello = Hello(versionMin: 1, versionMax: 3, client: "a", frameByteCountMax: 5, streamCredit: 6)
        #expect(try WireCodec.encode(hello).withUnsafeBytes { try WireCodec.decodeHello($0) } == hello)
        let welcome = Welcome(
            server: "b", frameByteCountMax: 7, streamCredit: 8, streamCountMax: 9,
            features: [.variants, ProtocolFeature(rawValue: 77)])
        #expect(try WireCodec.encode(welcome).withUnsafeBytes { try WireCodec.decodeWelcome($0) } == welcome)
    }

    @Test func queryTreesAreLimited() throws {
        func nested(_ depth: Int) -> [UInt8] {
            var query = Query.text("深", fields: [])
            for _ in 1..<depth { query = .and([query]) }
            return WireCodec.encode(WireRequest(.search(index: "i", SearchRequest(.tree(query)))))
        }
        #expect(throws: Never.self) { try nested(64).withUnsafeBytes { try WireCodec.decodeRequest($0) } }
        #expect(throws: SakuinError.self) { try nested(65).withUnsafeBytes { try WireCodec.decodeRequest($0) } }
        #expect(throws: SakuinError.self) { try nested(400).withUnsafeBytes { try WireCodec.decodeRequest($0) } }
        func wide(_ count: Int) -> [UInt8] {
            let query = Query.or(Array(repeating: .all, count: count - 1))
            return WireCodec.encode(WireRequest(.search(index: "i", SearchRequest(.tree(query)))))
        }
        #expect(throws: Never.self) { try wide(4096).withUnsafeBytes { try WireCodec.decodeRequest($0) } }
        #expect(throws: SakuinError.self) { try wide(4097).withUnsafeBytes { try WireCodec.decodeRequest($0) } }
    }

    /// Bytes that are random, or nearly right, are decoded or refused.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func noBytesTrap(seed: UInt64) {
        var random = WireRandom(seed: seed)
        var bytes: [UInt8] = []
        if random.flag() {
            bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        } else {
            bytes = WireCodec.encode(WireRequest(Self.call(&random)))
            for _ in 0..<4 where !bytes.isEmpty {
                bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            }
        }
        bytes.withUnsafeBytes { raw in
            _ = try? WireCodec.decodeRequest(raw)
            _ = try? WireCodec.decodeReply(raw)
            _ = try? WireCodec.decodeStatus(raw)
            _ = try? WireCodec.decodeReceipt(raw)
            _ = try? WireCodec.decodePage(raw)
            _ = try? WireCodec.decodeHello(raw)
            _ = try? WireCodec.decodeBatch(raw, acknowledge: .disk, rejection: .wholeBatch)
        }
    }
}
