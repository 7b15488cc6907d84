// What a load run found, as sentences and as JSON.

import Foundation
import SakuinClient

struct LoadReport: Sendable {
    let kinds: [String]
    let connectionCount: Int
    let streamCount: Int
    /// Of an open loop; nil: a closed one.
    let rate: Double?
    /// How long it was measured.
    let seconds: Double
    let tally: LoadTally
    let unsent: Int
    let documents: LoadImport.Tally?

    private static let percentiles: [(name: String, percent: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9),
    ]

    /// Whether something went wrong that the exit code should say.
    var hasErrors: Bool {
        !tally.all.errors.isEmpty || documents?.failure != nil || (documents?.rejected ?? 0) > 0
    }

    private var queriesPerSecond: Double { seconds > 0 ? Double(tally.all.latency.count) / seconds : 0 }

    // MARK: JSON

    var json: [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [
            ("loop", .string(rate == nil ? "closed" : "open")), ("connections", .integer(Int64(connectionCount))),
            ("streams", .integer(Int64(streamCount))), ("seconds", .float(seconds)),
            ("queriesPerSecond", Self.rounded(queriesPerSecond)),
        ]
        if let rate {
            members += [
                ("rate", .float(rate)), ("behind", .integer(Int64(tally.behind))),
                ("behindMaxMicroseconds", Self.rounded(Double(tally.behindMax) / 1_000)),
                ("unsent", .integer(Int64(unsent))),
            ]
        }
        members.append(("incomplete", .integer(Int64(tally.incomplete))))
        members += Self.members(tally.all)
        if let error = tally.firstError { members.append(("firstError", Output.value(error))) }
        if kinds != [""] {
            let values = zip(kinds, tally.kinds).map { name, tally in
                JSONValue.Member(key: name, value: Self.object(Self.members(tally)))
            }
            members.append(("kinds", .object(values)))
        }
        if let documents { members.append(("import", Self.object(importMembers(documents)))) }
        return members
    }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.map { .init(key: $0.0, value: $0.1) })
    }

    private static func rounded(_ value: Double) -> JSONValue { .float((value * 10).rounded() / 10) }

    private static func members(_ tally: KindTally) -> [(String, JSONValue)] {
        let errors = tally.errors.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            ($0.key.description, JSONValue.integer(Int64($0.value)))
        }
        return [
            ("requests", .integer(Int64(tally.requests))), ("errors", object(errors)),
            ("latencyMicroseconds", latency(tally.latency)),
        ]
    }

    private static func latency(_ tally: LatencyTally) -> JSONValue {
        object(
            [("mean", rounded(tally.meanMicroseconds))]
                + percentiles.map { ($0.name, rounded(tally.percentile($0.percent))) }
                + [("max", rounded(tally.maxMicroseconds))])
    }

    private func importMembers(_ tally: LoadImport.Tally) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [
            ("documents", .integer(Int64(tally.documents))), ("rejected", .integer(Int64(tally.rejected))),
            ("bytes", .integer(Int64(tally.bytes))), ("passes", .integer(Int64(tally.passes))),
            ("documentsPerSecond", Self.rounded(seconds > 0 ? Double(tally.documents) / seconds : 0)),
            ("batchLatencyMicroseconds", Self.latency(tally.latency)),
        ]
        if let error = tally.firstRejection { members.append(("firstRejection", Output.value(error))) }
        if let failure = tally.failure { members.append(("failure", Output.value(failure))) }
        return members
    }

    // MARK: Text

    var lines: [String] {
        var lines = [summary]
        lines.append(DisplayWidth.fit("µs", columns: 12) + Self.heading)
        lines.append(DisplayWidth.fit("all", columns: 12) + Self.row(tally.all))
        if kinds != [""] {
            for (name, tally) in zip(kinds, tally.kinds) {
                lines.append(DisplayWidth.fit(name, columns: 12) + Self.row(tally))
            }
        }
        for (code, count) in tally.all.errors.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            lines.append("\(count) × \(code)")
        }
        if let error = tally.firstError { lines.append("first error: \(error)") }
        if tally.incomplete > 0 { lines.append("\(tally.incomplete) answers were not complete: see sakuin stats.") }
        if tally.behind > 0 || unsent > 0 {
            lines.append(
                String(
                    format: "behind: %d requests were sent late, up to %.1f ms, because all %d streams were waiting; "
                        + "%d were due and never sent.", tally.behind, Double(tally.behindMax) / 1e6,
                    connectionCount * streamCount, unsent))
        }
        if let documents { lines += importLines(documents) }
        return lines
    }

    private var summary: String {
        let loop = rate.map { String(format: "open loop of %.0f requests/s", $0) } ?? "closed loop"
        return String(
            format: "%d requests in %.2f s: %.0f answered/s; %@, %d connections × %d streams", tally.all.requests,
            seconds, queriesPerSecond, loop, connectionCount, streamCount)
    }

    private static let heading =
        (["requests", "mean"] + percentiles.map(\.name) + ["max"]).map(right).joined()

    private static func row(_ tally: KindTally) -> String {
        let figures =
            [tally.latency.meanMicroseconds] + percentiles.map { tally.latency.percentile($0.percent) }
            + [tally.latency.maxMicroseconds]
        return right("\(tally.requests)") + figures.map { right(String(format: "%.0f", $0)) }.joined()
    }

    private static func right(_ text: String) -> String {
        String(repeating: " ", count: max(10 - text.count, 1)) + text
    }

    private func importLines(_ tally: LoadImport.Tally) -> [String] {
        var lines = [
            String(
                format: "imported: %d documents, %.0f documents/s, %@; a batch took %.1f ms (p50), %.1f ms (p99)",
                tally.documents, seconds > 0 ? Double(tally.documents) / seconds : 0, Output.size(tally.bytes),
                tally.latency.percentile(50) / 1_000, tally.latency.percentile(99) / 1_000)
        ]
        if tally.rejected > 0 { lines.append("\(tally.rejected) documents were rejected.") }
        if let error = tally.firstRejection { lines.append("first rejection: \(error)") }
        if let failure = tally.failure { lines.append("the import ended early: \(failure)") }
        return lines
    }
}
