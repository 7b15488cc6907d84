// One run of the load generator: workers take numbers from one counter, each asks and waits for its answer.

import Foundation
import SakuinClient
import Synchronization

/// The time of a run, in nanoseconds since its start.
struct LoadClock: Sendable {
    let start: ContinuousClock.Instant

    func now() -> Int64 { start.duration(to: .now).wholeNanoseconds }
    func instant(_ nanoseconds: Int64) -> ContinuousClock.Instant { start.advanced(by: .nanoseconds(nanoseconds)) }
}

extension Duration {
    var wholeNanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}

final class LoadRun: Sendable {
    /// Connections share tallies, so that many of them do not take much memory.
    private static let tallyCountMax = 4
    /// What a worker waits after an error that comes back at once when the server is gone.
    private static let unavailablePause = Duration.milliseconds(100)

    private let plan: LoadPlan
    private let schedule: LoadSchedule
    private let clients: [SakuinClient]
    private let streamCount: Int
    let clock: LoadClock
    private let taken = Atomic(0)
    private let tallies: [Shared<LoadTally>]

    init(_ plan: LoadPlan, _ schedule: LoadSchedule, clients: [SakuinClient], streamCount: Int) {
        self.plan = plan
        self.schedule = schedule
        self.clients = clients
        self.streamCount = streamCount
        // The first request of an open loop is not late because the workers are being started.
        clock = LoadClock(start: .now.advanced(by: schedule.rate == nil ? .zero : .milliseconds(10)))
        tallies = (0..<min(clients.count, Self.tallyCountMax)).map { _ in
            Shared(LoadTally(kindCount: plan.kinds.count))
        }
    }

    /// What was counted so far.
    var tally: LoadTally {
        tallies.reduce(into: LoadTally(kindCount: plan.kinds.count)) { $0.add($1.value) }
    }

    /// Requests of an open loop that were due and that no worker came to before the end.
    var unsent: Int {
        guard let count = schedule.requestCount else { return 0 }
        return max(count - sent.load(ordering: .relaxed), 0)
    }

    private let sent = Atomic(0)

    /// Asks until the schedule ends; returns when everything that was sent is answered.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, client) in clients.enumerated() {
                let tally = tallies[number % tallies.count]
                group.addTask {
                    try await client.onConnectionThread { try await self.runWorkers(client, tally) }
                }
            }
            try await group.waitForAll()
        }
    }

    private func runWorkers(_ client: SakuinClient, _ tally: Shared<LoadTally>) async throws {
        let index = try await client.index(plan.index)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<streamCount { group.addTask { await self.work(client, index, tally) } }
        }
    }

    private func work(_ client: SakuinClient, _ index: RemoteIndex, _ tally: Shared<LoadTally>) async {
        while true {
            let number = taken.wrappingAdd(1, ordering: .relaxed).oldValue
            let came = clock.now()
            guard schedule.includes(number, at: came) else { return }
            sent.wrappingAdd(1, ordering: .relaxed)
            let due = schedule.due(number)
            // A connection that breaks here breaks the request as well, which counts it.
            if let due { try? await client.wait(until: clock.instant(due)) }
            let item = plan.items[number % plan.items.count]
            let start = clock.now()
            let outcome = await Self.ask(item.request, client, index)
            let answered = clock.now()
            let latency = schedule.latency(number, sent: start, answered: answered)
            tally.change {
                $0.record(kind: item.kind, latency: latency, answered: answered, outcome: outcome)
                guard let due, came > due else { return }
                $0.behind += 1
                $0.behindMax = max($0.behindMax, came - due)
            }
            if case .failure(let error) = outcome, error.code == .unavailable {
                try? await Task.sleep(for: Self.unavailablePause)
            }
        }
    }

    private static func ask(
        _ request: SearchRequest?, _ client: SakuinClient, _ index: RemoteIndex
    ) async -> Result<SearchResponse?, SakuinError> {
        do {
            if let request { return .success(try await index.search(request)) }
            try await client.ping()
            return .success(nil)
        } catch {
            return .failure(error as? SakuinError ?? SakuinError(.unknown, "\(error)"))
        }
    }
}
