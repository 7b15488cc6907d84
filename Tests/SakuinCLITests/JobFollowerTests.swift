// What a followed job says, and that a daemon which is started again is waited for.

import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct JobFollowerTests {
    private func job(_ state: JobState, percent: Int = 0, message: String = "") -> JobStatus {
        var job = JobStatus()
        job.index = "t"
        job.number = 1
        job.state = state
        job.bytesTotal = 100
        job.bytesRead = percent
        job.message = message
        return job
    }

    /// The events of a job that stands so, time after time; nil: the daemon does not answer.
    private func follow(_ answers: [JobStatus?], repeatLast: Bool = false) async throws -> (events: [String], ms: Int) {
        var events: [String] = []
        var slept = 0
        var at = 0
        let follower = JobFollower(
            ask: { _ in
                defer { at += 1 }
                guard let answer = answers[repeatLast ? min(at, answers.count - 1) : at] else {
                    throw SakuinError(.unavailable, "Cannot connect.")
                }
                return answer
            },
            sleep: { slept += $0 }, tell: { _, event in if let event { events.append(event) } })
        _ = try await follower.follow(job(.queued))
        return (events, slept)
    }

    @Test func everyChangeOfStateIsAnEvent() async throws {
        let told = try await follow([
            job(.queued), job(.queued, message: "Waits for another job."), job(.running), job(.running),
            job(.running, percent: 3), job(.paused, percent: 3), job(.paused, percent: 3), job(.running, percent: 3),
            job(.running, percent: 3, message: "Waits for a merge."), job(.running, percent: 4), job(.done),
        ])
        #expect(
            told.events == [
                "accepted", "waiting", "progress", "progress", "paused", "resumed", "waiting", "progress",
            ])
        #expect(try await follow([job(.failed)]).events == ["accepted", "failed"])
        #expect(try await follow([job(.cancelled)]).events == ["accepted", "cancelled"])
    }

    @Test func aDaemonThatIsStartedAgainIsWaitedFor() async throws {
        let away = [JobStatus?](repeating: nil, count: 100)
        let told = try await follow([job(.running)] + away + [job(.running, percent: 50), job(.done)])
        #expect(told.events == ["accepted", "progress", "waiting", "progress"])
        #expect(told.ms < JobFollower.patienceMilliseconds)
    }

    @Test func notForEver() async throws {
        let error = await #expect(throws: SakuinError.self) {
            _ = try await follow([job(.running), nil], repeatLast: true)
        }
        #expect(error?.code == .unavailable)
    }
}
