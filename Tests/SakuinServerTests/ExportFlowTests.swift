// Exports go on as far as there is credit, somebody reads, and it is their turn.

import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import SakuinProtocol
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite(.timeLimit(.minutes(30))) struct ExportFlowTests {
    /// With all the credit that there can be: how much a server holds for a client is not the client's to say.
    private static let hello = FrameHeader.frame(
        .hello, stream: 0,
        WireCodec.encode(Hello(client: "test", frameByteCountMax: 1 << 20, streamCredit: .max)))
    private static let export = WireCall.export(index: "i", pointInTime: nil)

    private func keys(_ frames: [LooseConnection.Frame], on stream: UInt32) throws -> [String] {
        try frames.filter { $0.header.kind == .data && $0.header.stream == stream }.flatMap { frame in
            try frame.payload.withUnsafeBytes { try WireCodec.decodePage($0) }.documents.map(\.key)
        }.sorted()
    }

    /// Whether that many exports stand in the row, and no page is in the making.
    private func wait(_ connection: LooseConnection, until count: Int) async throws {
        while try await connection.look({ ($0.exportTurns.count, $0.exportPageCount) }) != (count, 0) {
            // Without a look at the reader it would end with a reply.
            try #require(
                try await !connection.frames().contains { $0.header.kind == .data || $0.header.kind == .reply })
            await Task.yield()
        }
    }

    @Test func noPagesAreMadeForWhoDoesNotRead() async throws {
        let connection = try await LooseConnection(hello: Self.hello, documentCount: 3)
        connection.setReads(false)
        try await connection.send((1...9).flatMap { LooseConnection.request($0, Self.export) })
        try await wait(connection, until: 9)
        connection.setReads(true)
        for stream in 1...9 as ClosedRange<UInt32> {
            let frames = try await connection.frames(until: .reply, on: stream)
            #expect(try keys(frames, on: stream) == ["0", "1", "2"])
        }
        try await connection.close()
    }

    /// The credit counts that comes before it is known what there is to stream.
    @Test func creditMayComeWithTheRequest() async throws {
        let hello = FrameHeader.frame(
            .hello, stream: 0, WireCodec.encode(Hello(client: "test", frameByteCountMax: 1 << 20, streamCredit: 0)))
        let connection = try await LooseConnection(hello: hello, documentCount: 3)
        let credit = FrameHeader.frame(.credit, stream: 1, [0, 0, 1, 0])
        try await connection.send(LooseConnection.request(1, Self.export) + credit)
        #expect(try keys(try await connection.frames(until: .reply, on: 1), on: 1) == ["0", "1", "2"])
        try await connection.close()
    }

    /// The old files that it keeps are given back at last.
    @Test func whoDoesNotReadForLongLosesTheExport() async throws {
        let connection = try await LooseConnection(hello: Self.hello, documentCount: 1) {
            $0.exportIdleMilliseconds = 1_000
        }
        connection.setReads(false)
        try await connection.send(LooseConnection.request(1, Self.export))
        try await wait(connection, until: 1)
        await connection.channel.testingEventLoop.advanceTime(by: .milliseconds(999))
        #expect(try await connection.look { $0.streams.count } == 1)
        await connection.channel.testingEventLoop.advanceTime(by: .milliseconds(1))
        let last = try #require(try await connection.frames().last)
        let error = try last.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
        #expect(error.code == .deadlineExceeded && error.field == "credit")
        try await connection.close()
    }

    /// Credit begins the time anew in which a client has to go on.
    @Test func creditIsASignOfLife() async throws {
        let hello = FrameHeader.frame(
            .hello, stream: 0, WireCodec.encode(Hello(client: "test", frameByteCountMax: 1 << 20, streamCredit: 0)))
        let connection = try await LooseConnection(hello: hello, documentCount: 1) { $0.exportIdleMilliseconds = 1_000 }
        let loop = connection.channel.testingEventLoop
        connection.setReads(false)
        try await connection.send(LooseConnection.request(1, Self.export))
        while try await connection.look({ handler in
            if case .exporting(let export)? = handler.streams[1] { export.idleTimer == nil } else { true }
        }) { await Task.yield() }
        await loop.advanceTime(by: .milliseconds(999))
        try await connection.send(FrameHeader.frame(.credit, stream: 1, [0, 0, 1, 0]))
        await loop.advanceTime(by: .milliseconds(999))
        #expect(try await connection.look { $0.streams.count } == 1)
        await loop.advanceTime(by: .milliseconds(1))
        #expect(try await connection.look { $0.streams.isEmpty })
        try await connection.close()
    }

    /// A channel that is full with every page lets a few pages through at a time, whatever number of exports is open.
    @Test func fewPagesAreInTheMakingAtOnce() async throws {
        let pages = NIOLockedValueBox(0)
        let connection = try await LooseConnection(
            hello: Self.hello, documentCount: 3, before: [PageCounter(pages)])
        try await connection.send((1...40).flatMap { LooseConnection.request($0, Self.export) })
        while try await connection.look({ !$0.streams.isEmpty }) {
            await Task.yield()
            // A page that is made finds the channel full, until somebody looks again.
            if try await connection.look({ $0.exportPageCount }) > 0 { continue }
            #expect(pages.withLockedValue { $0 } <= ConnectionHandler.exportPageCountMax)
            pages.withLockedValue { $0 = 0 }
            connection.setReads(true)
        }
        for stream in 1...40 as ClosedRange<UInt32> {
            #expect(try keys(try await connection.frames(), on: stream) == ["0", "1", "2"])
        }
        try await connection.close()
    }
}

/// Counts pages; the client reads none of them before it is said to.
private final class PageCounter: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer
    private let pages: NIOLockedValueBox<Int>

    init(_ pages: NIOLockedValueBox<Int>) { self.pages = pages }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let kind = unwrapOutboundIn(data).getInteger(at: 4, as: UInt8.self)
        if kind == FrameHeader.Kind.data.rawValue {
            pages.withLockedValue { $0 += 1 }
            (context.channel as? NIOAsyncTestingChannel)?.isWritable = false
        }
        context.write(data, promise: promise)
    }
}
