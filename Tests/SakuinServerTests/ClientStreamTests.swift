// What the client does with open streams when the server drains, and when the task of one is cancelled.

import NIOConcurrencyHelpers
import NIOCore
import SakuinProtocol
import Testing

@testable import SakuinClient

@Suite(.timeLimit(.minutes(30))) struct ClientStreamTests {
    private static let goAway = FrameHeader.frame(
        .goAway, stream: 0, WireCodec.encode(SakuinError(.unavailable, "The server is shutting down.")))
    private static let put = WriteOperation.put(Document(key: "a", ["body": "全文検索"]))

    private static func frame(_ kind: FrameHeader.Kind, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        FrameHeader.frame(kind, stream: stream, payload)
    }

    private static func receipt(_ sequence: UInt64, _ stream: UInt32) -> [UInt8] {
        frame(
            .data, stream, WireCodec.encode(WriteReceipt(sequence: sequence, level: .disk, applied: 1, rejections: [])))
    }

    private static func isImport(_ payload: [UInt8]) -> Bool {
        let request = try? payload.withUnsafeBytes { try WireCodec.decodeRequest($0) }
        if case .importStream? = request?.call { return true }
        return false
    }

    @Test func anOpenImportGoesOnBehindGoAway() async throws {
        let listings = NIOLockedValueBox<[UInt32]>([])
        let sequence = NIOLockedValueBox<UInt64>(1)
        try await ScriptedServer.with { header, payload in
            switch header.kind {
            case .request where Self.isImport(payload):
                // The receipt of no batch shows that GOAWAY has come.
                return Self.goAway + Self.receipt(1, header.stream)
            case .request:
                listings.withLockedValue { $0.append(header.stream) }
                return Self.frame(.reply, header.stream, WireCodec.encode(WireReply.indexes([])))
            case .data where header.isEnd: return Self.frame(.reply, header.stream, WireCodec.encode(WireReply.done))
            case .data:
                let next = sequence.withLockedValue { sequence in
                    sequence += 1
                    return sequence
                }
                return Self.receipt(next, header.stream)
            default: return []
            }
        } _: { client in
            let old = try await client.connection()
            let stream = try await client.index("i").stream()
            var receipts = stream.receipts.makeAsyncIterator()
            #expect(try await receipts.next()?.sequence == 1)
            try #require(!old.isActive)
            // New calls do not wait for the old streams, nor the old streams for them.
            #expect(try await client.list().isEmpty)
            #expect(listings.withLockedValue { $0 } == [1])
            for number in 2...3 as ClosedRange<UInt64> {
                try await stream.send([Self.put])
                #expect(try await receipts.next()?.sequence == number)
            }
            try await stream.finish()
            #expect(try await receipts.next() == nil)
            // Nobody needs it any more.
            try await old.channel.closeFuture.get()
        }
    }

    @Test func aConnectionThatIsToGoIsReplaced() async throws {
        try await ScriptedServer.with { header, payload in
            header.kind == .ping ? Self.goAway + Self.frame(.pong, 0, payload) : []
        } _: { client in
            for _ in 0..<3 {
                let connection = try await client.connection()
                try await client.ping()
                try #require(!connection.isActive)
                try await connection.channel.closeFuture.get()
            }
        }
    }

    /// The server never gives credit back, so a batch waits until it is taken back; the import can still be ended.
    @Test func aBatchThatWaitsIsTakenBackWithItsTask() async throws {
        let batches = NIOLockedValueBox(0)
        try await ScriptedServer.with { header, payload in
            guard header.kind == .data else { return [] }
            if header.isEnd { return Self.frame(.reply, header.stream, WireCodec.encode(WireReply.done)) }
            batches.withLockedValue { $0 += 1 }
            return []
        } _: { client in
            let stream = try await client.index("i").stream()
            let text = FieldValue.string(String(repeating: "a", count: (1 << 20) - 100))
            // A little credit is left, and a second one takes that.
            for _ in 0..<2 { try await stream.send([.put(Document(key: "a", ["body": text]))]) }
            let connection = try await client.connection()
            let waiting = Task { try await stream.send([Self.put]) }
            while try await connection.onLoop({ $0.waitingBatchCount }) == 0 { await Task.yield() }
            waiting.cancel()
            let error = await #expect(throws: SakuinError.self) { try await waiting.value }
            #expect(error?.code == .cancelled)
            let never = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await stream.send([Self.put])
            }
            #expect(await #expect(throws: SakuinError.self) { try await never.value }?.code == .cancelled)
            try await stream.finish()
            for try await _ in stream.receipts {}
            #expect(batches.withLockedValue { $0 } == 2)
        }
    }
}

extension ClientHandler {
    fileprivate var waitingBatchCount: Int {
        streams.values.reduce(0) { if case .importing(let state) = $1 { $0 + state.waiting.count } else { $0 } }
    }
}
