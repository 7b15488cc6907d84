// Frames that begin and do not end.

import NIOCore
import NIOEmbedded
import SakuinProtocol
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite(.timeLimit(.minutes(30))) struct FrameMemoryTests {
    /// The beginning of a frame with so many bytes of payload.
    private func beginning(_ byteCount: Int, of kind: FrameHeader.Kind = .request) -> [UInt8] {
        Array(FrameHeader.frame(kind, stream: 1, [UInt8](repeating: 0, count: byteCount)).prefix(4_096))
    }

    @Test func aLongFrameIsCountedUntilItHasEnded() async throws {
        let connection = try await LooseConnection()
        let budget = connection.catalog.memory
        let before = budget.used
        let frame = FrameHeader.frame(.ping, stream: 0, [UInt8](repeating: 0, count: 32))
        let request = FrameHeader.frame(.request, stream: 1, ContractTests.list)
        try await connection.send(beginning(1 << 20))
        #expect(budget.used == before + (1 << 20) + FrameHeader.byteCount)
        try await connection.send([UInt8](repeating: 0, count: 100_000))
        #expect(budget.used == before + (1 << 20) + FrameHeader.byteCount)
        try await connection.close()
        #expect(budget.used == before)
        let other = try await LooseConnection()
        try await other.send(Array(request[..<5]))
        #expect(other.catalog.memory.used == before)
        try await other.send(Array(request[5...]) + frame)
        _ = try await other.frames(until: .pong, on: 0)
        #expect(try await other.look { $0.longFrame == nil })
        try await other.close()
    }

    @Test func whenThereIsNoMemoryTheRestIsNotRead() async throws {
        let connection = try await LooseConnection()
        let budget = connection.catalog.memory
        let all = budget.byteCountMax / 8
        var others = connection.catalog.frameMemory(byteCount: all)
        #expect(others != nil && connection.catalog.frameMemory(byteCount: 1) == nil)
        try await connection.send(beginning(1 << 20))
        #expect(try await connection.look { $0.waitsForMemory && $0.longFrame?.memory == nil })
        others = nil
        await connection.channel.testingEventLoop.advanceTime(by: .milliseconds(10))
        #expect(try await connection.look { !$0.waitsForMemory && $0.longFrame?.memory != nil })
        try await connection.close()
    }

    /// One alone always has some, however little there is.
    @Test func oneIsNeverTooLong() throws {
        let budget = MemoryBudget(byteCountMax: 1 << 20)
        let one = FrameMemory(1 << 19, of: budget)
        #expect(one != nil && budget.used == 1 << 19 && FrameMemory(1, of: budget) == nil)
    }

    @Test(arguments: [false, true]) func whoDoesNotSendTheRestIsSentAway(hasMemory: Bool) async throws {
        let connection = try await LooseConnection { $0.frameSeconds = 3 }
        let others =
            hasMemory ? nil : connection.catalog.frameMemory(byteCount: connection.catalog.memory.byteCountMax / 8)
        try await connection.send(beginning(1 << 20))
        let loop = connection.channel.testingEventLoop
        await loop.advanceTime(by: .milliseconds(18_999))
        #expect(connection.channel.isActive)
        await loop.advanceTime(by: .milliseconds(1))
        #expect(!connection.channel.isActive)
        let error = try #require(try await connection.frames().last)
        #expect(error.header.kind == .error && error.header.stream == 0)
        let status = try error.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) }
        #expect(status.code == (hasMemory ? .deadlineExceeded : .resourceExhausted))
        withExtendedLifetime(others) {}
        try await connection.close()
    }
}
