// More than a server can take: too many requests, no memory, a full disk's worth of batches, a client that does not read.

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SakuinClient
import SakuinProtocol
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite struct OverloadTests {
    @Test func moreRequestsThanPlacesAreRefused() async throws {
        let server = try await RunningServer.start { $0.queueCountMax = 2 }
        var bytes = ContractTests.hello
        for stream in 1...5 { bytes += FrameHeader.frame(.request, stream: UInt32(stream), ContractTests.list) }
        let frames = try await server.exchange(bytes, frameCount: 6)
        let refused = frames.filter { $0.header.kind == .error }
        #expect(refused.map(\.header.stream).sorted() == [3, 4, 5])
        for frame in refused {
            let error = try frame.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
            #expect(error.code == .resourceExhausted && error.field == "queueCountMax")
            #expect(error.retryAfterMilliseconds == 20)
        }
        // The places come back.
        let client = server.client()
        for _ in 0..<10 { #expect(try await client.list().isEmpty) }
        await client.close()
        try await server.stop()
    }

    @Test func withoutMemorySearchesAreToldWhenToComeBack() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        _ = try await index.write(WriteBatch([.put(Document(key: "a", ["body": "全文検索"]))]))
        _ = try await index.refresh()
        let memory = server.catalog.memory
        let all = memory.byteCountMax - memory.used
        #expect(memory.takeForSearch(all))
        for request in [SearchRequest("検索"), SearchRequest("検索", limit: 0)] {
            let error = await #expect(throws: SakuinError.self) { try await index.search(request) }
            #expect(error?.code == .resourceExhausted && error?.field == "memoryBudgetBytes")
            #expect(error?.retryAfterMilliseconds == 100)
        }
        memory.giveBackFromSearch(all)
        #expect(try await index.count(.text("検索")) == 1)
        await client.close()
        try await server.stop()
    }

    /// Batches that there is no room for wait, and are applied in their order when there is.
    @Test func anImportWaitsForRoom() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let memory = server.catalog.memory
        let all = memory.byteCountMax - memory.used
        memory.change(by: all)
        let stream = try await index.stream(acknowledge: .log)
        for number in 0..<50 {
            try await stream.send([.put(Document(key: "a", ["body": "全文検索", "n": .integer(Int64(number))]))])
        }
        try await stream.finish()
        let single = await #expect(throws: SakuinError.self) { try await index.write(WriteBatch([.delete("a")])) }
        #expect(single?.code == .resourceExhausted && single?.retryAfterMilliseconds == 50)
        #expect(try await index.statistics().sequence == 0)
        memory.change(by: -all)
        var receipts: [WriteReceipt] = []
        for try await receipt in stream.receipts { receipts.append(receipt) }
        #expect(receipts.map(\.sequence) == Array(1...50))
        _ = try await index.refresh()
        #expect(try await index.get(["a"])[0]?["n"] == 49)
        await client.close()
        try await server.stop()
    }

    /// 40 replies of a MiB, to a client that reads none of them at first.
    @Test func aClientThatDoesNotReadIsNotReadFrom() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let tail = String(repeating: "k", count: 1_000)
        for part in 0..<10 {
            _ = try await index.write(
                WriteBatch((0..<100).map { .put(Document(key: "\(part * 100 + $0)-" + tail, ["body": "検索"])) }))
        }
        _ = try await index.refresh()
        await client.close()
        while server.connections.all().count > 0 { await Task.yield() }

        let reader = LazyReader()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 64 << 10)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reader) }
            }
            .connect(host: "127.0.0.1", port: server.port).get()
        let hello = FrameHeader.frame(
            .hello, stream: 0, WireCodec.encode(Hello(client: "t", frameByteCountMax: 1 << 22, streamCredit: 1 << 16)))
        try await channel.writeAndFlush(ByteBuffer(bytes: hello))
        let search = WireCodec.encode(WireRequest(.search(index: "i", SearchRequest("検索", limit: 1_000))))
        let count = 40
        for stream in 1...count {
            try await channel.writeAndFlush(
                ByteBuffer(bytes: FrameHeader.frame(.request, stream: UInt32(stream), search)))
        }
        // What was written may still be on its way.
        while server.connections.all().isEmpty { await Task.yield() }
        let served = try #require(server.connections.all().first).channel
        while try await served.getOption(.autoRead).get() { await Task.yield() }
        try await channel.setOption(.autoRead, value: true).get()
        while reader.replies.withLockedValue({ $0 }) < count { await Task.yield() }
        while try await !served.getOption(.autoRead).get() { await Task.yield() }
        try await channel.close()
        try await server.stop()
    }
}

/// Counts replies once it is told to read.
private final class LazyReader: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let replies = NIOLockedValueBox(0)
    private let reader = NIOLockedValueBox(FrameReader(lengthMax: 1 << 22))

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            reader.withLockedValue { reader in
                try? reader.read(bytes) { (header, _, limits) throws(WireError) in
                    limits.lengthMax = 1 << 22
                    if header.kind == .reply { replies.withLockedValue { $0 += 1 } }
                }
            }
        }
    }
}
