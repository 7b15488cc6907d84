// Calls that wait for a write: any number of them, and nobody else notices.

import SakuinClient
import SakuinProtocol
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite struct WaitingTests {
    private func search(_ sequence: UInt64) -> SearchRequest {
        var request = SearchRequest("検索")
        request.moment = ReadMoment(minSequence: sequence, waitLimitMilliseconds: ReadMoment.waitLimitMillisecondsMax)
        return request
    }

    private func waiters(_ server: RunningServer) throws -> VisibilityWaiters {
        try server.catalog.indexNow("i").writer.waiters
    }

    private func put(_ index: RemoteIndex, _ key: String) async throws -> UInt64 {
        try await index.write(WriteBatch([.put(Document(key: key, ["body": "全文検索"]))])).sequence
    }

    /// With fewer places in the queue than waiters: they take none, and no worker.
    @Test func waitersKeepNobodyWaiting() async throws {
        let server = try await RunningServer.start { $0.queueCountMax = 4 }
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let waiting = (0..<40).map { _ in Task { try await index.search(search(1_000_000_000)) } }
        while try waiters(server).waiterCount < 40 { await Task.yield() }
        let sequence = try await put(index, "a")
        #expect(try await index.search(search(sequence)).total == Total(1))
        #expect(try await index.fetch(["a"], at: search(sequence).moment).documents[0] != nil)
        let behind = try await put(index, "b")
        let point = try await index.openPointInTime(
            leaseMilliseconds: 600_000, at: ReadMoment(minSequence: behind))
        #expect(point.sequence >= behind)
        let past = ReadMoment(pointInTime: point.token)
        _ = try await index.write(WriteBatch([.delete("a")]))
        _ = try await index.refresh()
        #expect(try await index.count(.text("検索"), at: past) == 2)
        #expect(try await index.fetch(["a"], at: past).documents[0] != nil)
        #expect(try await index.get(["a"]) == [nil])
        for task in waiting { task.cancel() }
        for task in waiting { _ = await task.result }
        while try waiters(server).waiterCount > 0 { await Task.yield() }
        await client.close()
        try await server.stop()
    }

    @Test func aConnectionThatEndsWaitsNoMore() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let waiting = Task { try await index.search(search(99)) }
        while try waiters(server).waiterCount == 0 { await Task.yield() }
        await client.close()
        _ = await waiting.result
        while try waiters(server).waiterCount > 0 { await Task.yield() }
        try await server.stop()
    }

    @Test func shutdownEndsWaiting() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        let waiting = Task { try await index.search(search(99)) }
        while try waiters(server).waiterCount == 0 { await Task.yield() }
        try await server.stop()
        let error = await #expect(throws: SakuinError.self) { try await waiting.value }
        #expect(error?.code == .unavailable && error?.message == "The server is shutting down.")
        await client.close()
    }

    @Test func waitingEndsInTime() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        let index = try await client.index("i")
        for wait in [0, 1] {
            let moment = ReadMoment(minSequence: 99, waitLimitMilliseconds: wait)
            let late = await #expect(throws: SakuinError.self) { try await index.fetch(["a"], at: moment) }
            #expect(late?.code == .deadlineExceeded && late?.limit == "\(wait) ms" && late?.field == "minSequence")
        }
        await client.close()
        try await server.stop()
    }

    /// What CANCEL takes away in the read burst of its request does not come back as a call that waits.
    @Test func whatIsCancelledAtOnceDoesNotWait() async throws {
        let connection = try await LooseConnection { $0.streamCountMax = 2 }
        let call = WireCall.search(index: "i", search(99))
        var bytes: [UInt8] = []
        for stream in 1...9 as ClosedRange<UInt32> {
            bytes += LooseConnection.request(stream, call) + FrameHeader.frame(.cancel, stream: stream, [])
        }
        try await connection.send(bytes + FrameHeader.frame(.ping, stream: 0, []))
        #expect(try await connection.look { $0.streams.count } == 0)
        #expect(try connection.catalog.indexNow("i").writer.waiters.waiterCount == 0)
        #expect(try await connection.frames().map(\.header.kind) == [.welcome, .pong])
        // Without CANCEL it waits, and there are no more than there may be.
        try await connection.send((11...13).flatMap { LooseConnection.request($0, call) })
        #expect(try connection.catalog.indexNow("i").writer.waiters.waiterCount == 2)
        try await connection.close()
    }

    /// CANCEL and the end of a connection give streams up.
    @Test func searchesThatNobodyWaitsForEnd() {
        let search = SearchCancellation()
        ServerStream.heeding(search).giveUp()
        #expect(search.isCancelled)
    }
}
