// Calls that wait for the disk: a bounded number of them, and nobody else notices.

import Foundation
import NIOConcurrencyHelpers
import SakuinClient
import Testing

@testable import SakuinEngine
@testable import SakuinServer

@Suite(.timeLimit(.minutes(30))) struct DiskCallTests {
    @Test func theyKeepNobodyWaitingAndAreBounded() async throws {
        let disk = StandingDisk()
        let count = 2 * ProcessInfo.processInfo.activeProcessorCount + 1
        let server = try await RunningServer.start(
            call: SystemCall { operation, path, _ in disk.stand(operation, path) }
        ) {
            $0.diskThreadCount = count
            $0.diskCallCountMax = count
        }
        let client = server.client()
        try await client.create(index: "i", schema: .standard)
        for number in 0..<count { try await client.create(index: "drop\(number)", schema: .standard) }
        // More than the cooperative pool has threads.
        let drops = (0..<count).map { number in Task { try await client.drop(index: "drop\(number)") } }
        while disk.standing < count { await Task.yield() }
        let refused = await #expect(throws: SakuinError.self) { try await client.listSnapshots(of: nil) }
        #expect(refused?.code == .resourceExhausted && refused?.field == "diskCallCountMax")
        #expect(refused?.limit == "\(count)" && refused?.retryAfterMilliseconds == 500)
        // Searches, writes and what waits for other threads go on.
        let index = try await client.index("i")
        _ = try await index.write(WriteBatch([.put(Document(key: "a", ["body": "全文検索"]))]))
        _ = try await index.refresh()
        #expect(try await index.count(.text("検索")) == 1)
        disk.goOn(count)
        for drop in drops { try await drop.value }
        #expect(try await client.listSnapshots(of: nil).isEmpty)
        #expect(try await client.list().map(\.name) == ["i"])
        await client.close()
        try await server.stop()
    }
}

/// Stands still when the folder of an index is to be renamed.
private final class StandingDisk: Sendable {
    private let gate = DispatchSemaphore(value: 0)
    private let count = NIOLockedValueBox(0)

    var standing: Int { count.withLockedValue { $0 } }

    func stand(_ operation: String, _ path: String) -> SystemFault? {
        guard operation == "rename", path.split(separator: "/").last?.hasPrefix("drop") == true else { return nil }
        count.withLockedValue { $0 += 1 }
        gate.wait()
        return nil
    }

    func goOn(_ count: Int) {
        for _ in 0..<count { gate.signal() }
    }
}
