// Replies of several connections are written together, and none waits for what comes later.

import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import SakuinServer

@Suite struct ReplyFlushesTests {
    private final class Writer: ReplyWriter {
        var flushCount = 0
        func flush() { flushCount += 1 }
    }

    @Test func aFewAreWrittenTogether() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let flushes = ReplyFlushes(group)
        let counts = try await loop.submit {
            let writers = (0...ReplyFlushes.togetherCountMax).map { _ in Writer() }
            var counts: [[Int]] = []
            for writer in writers {
                flushes.add(writer, loop)
                counts.append(writers.map(\.flushCount))
            }
            return counts
        }.get()
        let count = ReplyFlushes.togetherCountMax
        let none = [Int](repeating: 0, count: count + 1)
        let all = [Int](repeating: 1, count: count) + [0]
        #expect(counts == [[Int]](repeating: none, count: count - 1) + [all, all])
        try await group.shutdownGracefully()
    }

    @Test func oneThatIsAloneIsWrittenBeforeTheLoopWaits() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let flushes = ReplyFlushes(group)
        let writer = try await loop.submit { NIOLoopBound(Writer(), eventLoop: loop) }.get()
        for round in 1...3 {
            let before = try await loop.submit {
                flushes.add(writer.value, loop)
                return writer.value.flushCount
            }.get()
            // What was asked for before this is done before it.
            let behind = try await loop.submit { writer.value.flushCount }.get()
            #expect(before == round - 1 && behind == round)
        }
        try await group.shutdownGracefully()
    }

    @Test func onAnotherLoopAtOnce() {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let writer = Writer()
        ReplyFlushes(group).add(writer, EmbeddedEventLoop())
        #expect(writer.flushCount == 1)
        group.shutdownGracefully { _ in }
    }
}
