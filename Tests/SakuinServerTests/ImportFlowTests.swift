// Imports keep the order of their batches, and end where the client has said; calls keep their deadlines behind others.

import NIOCore
import SakuinProtocol
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite(.timeLimit(.minutes(30))) struct ImportFlowTests {
    private static let open = LooseConnection.request(
        1, .importStream(index: "i", acknowledge: .log, rejection: .wholeBatch))

    private static func data(_ payload: [UInt8], isEnd: Bool = false) -> [UInt8] {
        FrameHeader.frame(.data, flags: isEnd ? FrameHeader.endFlag : 0, stream: 1, payload)
    }

    private static var batch: [UInt8] { WireCodec.encode([WriteOperation.put(Document(key: "a", ["body": "検索"]))]) }

    /// Behind the last batch of a stream there is none, also while those before have no receipts yet.
    @Test(arguments: [false, true]) func dataBehindTheEndIsABreach(isEmpty: Bool) async throws {
        let connection = try await LooseConnection()
        try await connection.send(
            Self.open + Self.data(Self.batch) + Self.data([], isEnd: true)
                + (isEmpty ? Self.data([], isEnd: true) : Self.data(Self.batch)))
        var last: LooseConnection.Frame?
        while last?.header.kind != .error, last?.header.kind != .reply {
            await Task.yield()
            last = try await connection.frames().last
        }
        #expect(last?.header.kind == .error && last?.header.stream == 0)
        try await connection.close()
    }

    /// A batch that cannot be read is known to be wrong before the one ahead of it is written; that one has its receipt first.
    @Test func aRefusalComesBehindTheReceiptsBeforeIt() async throws {
        let connection = try await LooseConnection()
        let writer = try connection.catalog.indexNow("i").writer
        writer.keep(WritePace(stops: true))
        try await connection.send(Self.open + Self.data(Self.batch) + Self.data([0xFF, 0xFF]))
        while try await connection.look({ handler in
            if case .importing(let stream)? = handler.streams[1] { stream.receipts.isEmpty } else { false }
        }) { await Task.yield() }
        writer.keep(WritePace())
        let frames = try await connection.frames(until: .error, on: 1)
        #expect(frames.map(\.header.kind).filter { $0 != .credit } == [.welcome, .data, .error])
        try await connection.close()
    }

    /// The time that a call has counts from its coming, whatever keeps the workers.
    @Test func aDeadlinePassesBehindOthers() async throws {
        let connection = try await LooseConnection()
        let gate = Monitor(false)
        try await connection.look { $0.server.work.run(0) { _ = gate.wait { $0 ? true : nil } } }
        let request = WireRequest(.statistics(index: "i"), deadlineMilliseconds: 1)
        try await connection.send(FrameHeader.frame(.request, stream: 1, WireCodec.encode(request)))
        let sent = NIODeadline.now()
        while NIODeadline.now() < sent + .milliseconds(2) { await Task.yield() }
        gate.change { $0 = true }
        var last: LooseConnection.Frame?
        while last?.header.stream != 1 {
            await Task.yield()
            last = try await connection.frames().last
        }
        let frame = try #require(last)
        try #require(frame.header.kind == .error)
        let error = try frame.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
        #expect(error.code == .deadlineExceeded && error.message.contains("before a worker was free"))
        try await connection.close()
    }
}
