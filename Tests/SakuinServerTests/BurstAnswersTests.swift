// Several connections are answered together and their replies written together, and none waits for what comes later.

import NIOCore
import NIOEmbedded
import NIOPosix
import SakuinProtocol
import SakuinTypes
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite struct BurstAnswersTests {
    private final class Connection: BurstAnswerer {
        var answerCount = 0
        var flushCount = 0
        /// Those that are to have been answered before anything is written.
        var together: [Connection] = []
        var waitedForAll = true

        func answer() { answerCount += 1 }

        func flush() {
            flushCount += 1
            waitedForAll = waitedForAll && together.allSatisfy { $0.answerCount == 1 }
        }
    }

    @Test func aFewAreAnsweredAndWrittenTogether() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let bursts = BurstAnswers(group)
        let (counts, waitedForAll) = try await loop.submit {
            let connections = (0...BurstAnswers.togetherCountMax).map { _ in Connection() }
            let together = Array(connections.dropLast())
            for connection in together { connection.together = together }
            var counts: [[Int]] = []
            for connection in connections {
                bursts.add(connection, loop)
                counts.append(connections.map { $0.answerCount + $0.flushCount })
            }
            let waitedForAll = connections.allSatisfy(\.waitedForAll)
            for connection in together { connection.together = [] }
            return (counts, waitedForAll)
        }.get()
        let count = BurstAnswers.togetherCountMax
        let none = [Int](repeating: 0, count: count + 1)
        let all = [Int](repeating: 2, count: count) + [0]
        #expect(counts == [[Int]](repeating: none, count: count - 1) + [all, all])
        #expect(waitedForAll, "written before all were answered")
        try await group.shutdownGracefully()
    }

    @Test func oneThatIsAloneIsAnsweredBeforeTheLoopWaits() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let bursts = BurstAnswers(group)
        let connection = try await loop.submit { NIOLoopBound(Connection(), eventLoop: loop) }.get()
        for round in 1...3 {
            let before = try await loop.submit {
                bursts.add(connection.value, loop)
                return (connection.value.answerCount, connection.value.flushCount)
            }.get()
            // What was asked for before this is done before it.
            let behind = try await loop.submit { (connection.value.answerCount, connection.value.flushCount) }.get()
            #expect(before == (round - 1, round - 1) && behind == (round, round))
        }
        try await group.shutdownGracefully()
    }

    /// The end of a connection may come before the turn of what it sent: a write is carried out all the same.
    @Test func whatWasSentBeforeTheEndIsCarriedOut() async throws {
        let connection = try await LooseConnection()
        let batch = WriteBatch([.put(Document(key: "a", ["body": .string("最後")]))])
        let bytes = LooseConnection.request(1, .write(index: "i", batch))
        let channel = connection.channel
        try await channel.testingEventLoop.executeInContext {
            channel.pipeline.syncOperations.fireChannelRead(NIOAny(ByteBuffer(bytes: bytes)))
        }
        try await channel.close().get()
        var request = SearchRequest("最後")
        request.minSequence = 1
        request.waitLimitMilliseconds = 60_000
        let found = try await connection.catalog.indexNow("i").search(request)
        #expect(found.hits.map(\.key) == ["a"])
        try await connection.close()
    }

    @Test func onAnotherLoopAtOnce() {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connection = Connection()
        BurstAnswers(group).add(connection, EmbeddedEventLoop())
        #expect(connection.answerCount == 1 && connection.flushCount == 1)
        group.shutdownGracefully { _ in }
    }
}
