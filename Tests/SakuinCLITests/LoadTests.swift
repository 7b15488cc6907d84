// When requests of a load run are due, what counts as their latency, and what a report says of them.
import ArgumentParser
import Foundation
import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct LoadTests {
    private static let second: Int64 = 1_000_000_000

    @Test func requestsOfAnOpenLoopAreDueAtFixedTimes() {
        let schedule = LoadSchedule(rate: 3, nanoseconds: 2 * Self.second, requests: nil)
        #expect((0...3).map { schedule.due($0) } == [0, 333_333_333, 666_666_666, Self.second])
        // No error adds up, however many there were.
        #expect(schedule.due(3_000_000_000) == 1_000_000_000 * Self.second)
        #expect(schedule.requestCount == 6)
        #expect(schedule.includes(5, at: 0))
        #expect(!schedule.includes(6, at: 0))
        #expect(!schedule.includes(5, at: 2 * Self.second))
    }

    @Test func latencyCountsFromWhenARequestWasDue() {
        let open = LoadSchedule(rate: 1_000, nanoseconds: Self.second, requests: nil)
        // Due after 2 ms, sent only after 9 because the server was slow, answered 1 ms later: 8 ms for who asked.
        #expect(open.latency(2, sent: 9_000_000, answered: 10_000_000) == 8_000_000)
        let closed = LoadSchedule(rate: nil, nanoseconds: Self.second, requests: nil)
        #expect(closed.due(2) == nil && closed.requestCount == nil)
        #expect(closed.latency(2, sent: 9_000_000, answered: 10_000_000) == 1_000_000)
    }

    @Test func aRunEndsAfterItsRequests() {
        let closed = LoadSchedule(rate: nil, nanoseconds: nil, requests: 3)
        #expect(closed.includes(2, at: 100 * Self.second) && !closed.includes(3, at: 0))
        let open = LoadSchedule(rate: 10, nanoseconds: Self.second, requests: 4)
        #expect(open.requestCount == 4)
        #expect(LoadSchedule(rate: 10, nanoseconds: nil, requests: 4).requestCount == 4)
    }

    @Test func everyQueryAsksForTheVariants() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "sakuin-load-\(UUID().uuidString).tsv").path
        try "a\t発展\nb\t理发\n".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        for (options, variants) in [
            ([], []), (["--variants", "kana"], .kana), (["--variants", "han,kana"], .all),
            (["--variants", "all"], .all),
        ] as [([String], VariantFolding)] {
            let command = try LoadCommand.parse(["t", "--queries", file] + options)
            let plan = try command.plan(Output(json: false))
            #expect(plan.items.map { $0.request?.variants } == [variants, variants])
        }
        for wrong in [["t", "--queries", file, "--variants", "zh"], ["--empty", "--variants", "han"]] {
            let error = #expect(throws: SakuinError.self) {
                _ = try (try LoadCommand.parse(wrong)).plan(Output(json: false))
            }
            #expect(error?.code == .invalidArgument && error?.message.contains("--variants") == true)
        }
    }

    @Test func storedFieldsAreAskedForWhereTheyAreWanted() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "sakuin-load-\(UUID().uuidString).tsv").path
        try "発展\n".write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        for (options, fields, spans) in [
            ([], .none, false), (["--stored"], .all, false), (["--highlight"], .all, true),
        ] as [([String], FieldSelection, Bool)] {
            let plan = try (try LoadCommand.parse(["t", "--queries", file] + options)).plan(Output(json: false))
            let request = try #require(plan.items.first?.request)
            #expect(request.returnFields == fields && request.spans == spans)
        }
        let error = #expect(throws: SakuinError.self) {
            _ = try (try LoadCommand.parse(["--empty", "--stored"])).plan(Output(json: false))
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func percentilesAreWithinAThousandthAndTheLongestIsExact() {
        var tally = LatencyTally()
        for microseconds in 1...10_000 { tally.record(Int64(microseconds) * 1_000) }
        for (percent, expected) in [(50.0, 5_000.0), (90, 9_000), (99, 9_900), (99.9, 9_990)] {
            #expect(abs(tally.percentile(percent) - expected) <= expected / 1_000)
        }
        #expect(tally.maxMicroseconds == 10_000)
        #expect(tally.percentile(100) == 10_000)
        #expect(tally.meanMicroseconds == 5_000.5)
        tally.record(-5)
        #expect(tally.count == 10_001)
        #expect(LatencyTally().percentile(50) == 0)
    }

    @Test func aReportAddsUpItsParts() throws {
        var left = LoadTally(kindCount: 2)
        var right = left
        let failure = SakuinError(.resourceExhausted, "The queue is full.")
        for place in 0..<6 {
            left.record(kind: place % 2, latency: 1_000_000, answered: Int64(place), outcome: .success(nil))
        }
        right.record(kind: 1, latency: 3_000_000, answered: 2 * Self.second, outcome: .failure(failure))
        right.behind = 1
        right.behindMax = 4_000_000
        left.add(right)
        let report = LoadReport(
            kinds: ["a", "b"], connectionCount: 1, streamCount: 2, rate: 4, seconds: 2, tally: left, unsent: 1,
            documents: nil)
        #expect(report.hasErrors)
        let json = JSONValue.object(report.json.map { .init(key: $0.0, value: $0.1) })
        #expect(json["queriesPerSecond"] == .float(3) && json["requests"] == .integer(7))
        #expect(json["errors"]?["RESOURCE_EXHAUSTED"] == .integer(1))
        #expect(json["kinds"]?["a"]?["requests"] == .integer(3) && json["kinds"]?["b"]?["requests"] == .integer(4))
        #expect(json["behind"] == .integer(1) && json["unsent"] == .integer(1))
        let text = report.lines.joined(separator: "\n")
        #expect(text.contains("7 requests in 2.00 s: 3 answered/s; open loop of 4 requests/s"))
        #expect(text.contains("behind: 1 requests were sent late, up to 4.0 ms"))
        #expect(text.contains("1 × RESOURCE_EXHAUSTED"))
    }
}
