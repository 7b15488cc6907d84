// `--queries`: every kind, mode and operation, each query timed alone, on this thread.

import Foundation
import SakuinEngine
import SakuinTypes

struct QueryRun {
    let arguments: Arguments
    let index: SearchIndex

    private enum Operation: String {
        case count, top10, top10count
        /// Beyond the contract, only when they are named: the ten best with their stored fields, and with what is found
        /// in them besides.
        case stored, highlighted

        static let ofContract: [Operation] = [.count, .top10, .top10count]
        static let beyond: [Operation] = [.stored, .highlighted]
    }

    /// The queries of a file by kind, in order of first appearance.
    static func read(_ path: String, kinds wanted: Set<String>?) throws -> [(kind: String, queries: [String])] {
        var kinds: [(kind: String, queries: [String])] = []
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        where !line.hasPrefix("#") {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard columns.count > 1, wanted?.contains(String(columns[0])) ?? true else { continue }
            let place = kinds.firstIndex { $0.kind == columns[0] } ?? kinds.count
            if place == kinds.count { kinds.append((String(columns[0]), [])) }
            kinds[place].queries.append(String(columns[1]))
        }
        return kinds
    }

    /// The object `query` of the answer.
    func run(_ path: String) throws -> [String: Any] {
        var groups: [[String: Any]] = []
        let kinds = try Self.read(path, kinds: arguments.kinds)
        try startUp(kinds.flatMap(\.queries))
        for (kind, queries) in kinds {
            for (mode, operation) in self.groups(kind)
            where arguments.modes?.contains(mode) ?? true && arguments.operations?.contains(operation.rawValue) ?? true
            {
                groups.append(try measure(kind, mode, operation, queries))
            }
        }
        return ["groups": groups]
    }

    /// What is measured of a kind.
    private func groups(_ kind: String) -> [(mode: String, operation: Operation)] {
        let modes = kind == "multi" ? ["and", "or"] : kind == "question" ? [] : ["phrase"]
        let operations = arguments.operations == nil ? Operation.ofContract : Operation.ofContract + Operation.beyond
        let groups = modes.flatMap { mode in operations.map { (mode: mode, operation: $0) } }
        return groups + (kind == "sentence" || kind == "question" ? [(mode: "bag", operation: .top10)] : [])
    }

    /// The request for a query text, as an app would make it: a tree, so that nothing in the text is syntax.
    static func request(_ text: String, mode: String, top: Int, counts: Bool) -> SearchRequest {
        var request = SearchRequest("", limit: top)
        switch mode {
        case "and": request.query = .tree(.and(parts(text)))
        case "or": request.query = .tree(.or(parts(text)))
        case "bag": request.query = .tree(.or(bigrams(text).map { .text($0, fields: []) }))
        default: request.query = .tree(.text(text, fields: []))
        }
        request.total = counts ? .exact : .none
        return request
    }

    private static func parts(_ text: String) -> [Query] {
        var text = text
        return text.withUTF8 { bytes in
            var parts: [Query] = []
            parts.reserveCapacity(4)
            var start = 0
            for end in 0...bytes.count where end == bytes.count || bytes[end] == UInt8(ascii: " ") {
                if start < end {
                    let part = UnsafeBufferPointer(rebasing: bytes[start..<end])
                    parts.append(.text(String(decoding: part, as: UTF8.self), fields: []))
                }
                start = end + 1
            }
            return parts
        }
    }

    /// The distinct pairs of neighbouring characters that stand in one part of the text; a part of one by itself.
    private static func bigrams(_ text: String) -> [String] {
        if let grams = plainBigrams(text) { return grams }
        var grams: [String] = []
        var seen: Set<String> = []
        for part in text.split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
            let characters = Array(part)
            for i in 0..<max(characters.count - 1, 1) {
                let gram = String(characters[i..<min(i + 2, characters.count)])
                if seen.insert(gram).inserted { grams.append(gram) }
            }
        }
        return grams
    }

    /// The same of a text of Han characters and kana alone, each of which is a letter and a scalar; nil of another.
    private static func plainBigrams(_ text: String) -> [String]? {
        let scalars = Array(text.unicodeScalars)
        let isPlain = scalars.allSatisfy { scalar in
            switch scalar.value {
            case 0x4E00...0x9FEF, 0x3041...0x3096, 0x30A1...0x30FA: true
            default: false
            }
        }
        guard isPlain, scalars.count > 1 else { return nil }
        var seen: [UInt64] = []
        seen.reserveCapacity(scalars.count)
        var grams: [String] = []
        grams.reserveCapacity(scalars.count)
        for i in 1..<scalars.count {
            let pair = UInt64(scalars[i - 1].value) << 32 | UInt64(scalars[i].value)
            if seen.contains(pair) { continue }
            seen.append(pair)
            var gram = String.UnicodeScalarView()
            gram.append(scalars[i - 1])
            gram.append(scalars[i])
            grams.append(String(gram))
        }
        return grams
    }

    private func measure(
        _ kind: String, _ mode: String, _ operation: Operation, _ queries: [String]
    ) throws -> [String: Any] {
        let counts = operation == .count || operation == .top10count
        func ask(_ query: String) throws -> SearchResponse {
            var request = Self.request(query, mode: mode, top: operation == .count ? 0 : 10, counts: counts)
            if Operation.beyond.contains(operation) { request.returnFields = .all }
            request.spans = operation == .highlighted
            if arguments.findsVariants { request.variants = .all }
            return try index.searchNow(request)
        }
        try warmUp(queries, ask)
        var times = [[Double]](repeating: [], count: queries.count)
        var hits: [Any] = []
        var tops: [[String]] = []
        let began = ContinuousClock.now
        var passes = 0
        while passes < arguments.passes, passes == 0 || began.secondsToNow <= arguments.budgetSeconds {
            for (number, query) in queries.enumerated() {
                let start = Self.nanoseconds()
                let response = try ask(query)
                times[number].append(Double(Self.nanoseconds() - start) / 1_000)
                if passes == 0 {
                    hits.append(counts ? response.total.value as Any : NSNull())
                    if operation == .top10 { tops.append(response.hits.map(\.key)) }
                }
            }
            passes += 1
        }
        var group: [String: Any] = [
            "kind": kind, "mode": mode, "op": operation.rawValue, "passes": passes,
            "us": times.map { $0.sorted()[$0.count / 2] }, "hits": hits,
        ]
        if operation == .top10 { group["top"] = tops }
        return group
    }

    /// Counts all queries until `--startup-s` is up, before the first group: a processor that was idle takes a while to come
    /// to its speed, and groups whose queries take less than a microsecond are warmed up in a few milliseconds.
    private func startUp(_ queries: [String]) throws {
        let began = ContinuousClock.now
        while began.secondsToNow < arguments.startUpSeconds {
            for query in queries {
                _ = try index.searchNow(Self.request(query, mode: "phrase", top: 0, counts: true))
                if began.secondsToNow >= arguments.startUpSeconds { return }
            }
            if queries.isEmpty { return }
        }
    }

    /// Whole passes until the time is up, and never far beyond it.
    private func warmUp(_ queries: [String], _ ask: (String) throws -> SearchResponse) throws {
        let began = ContinuousClock.now
        let most = max(arguments.warmupSeconds, arguments.budgetSeconds)
        for _ in 0..<arguments.warmupPassesMax {
            for query in queries {
                _ = try ask(query)
                if began.secondsToNow > most { return }
            }
            if began.secondsToNow >= arguments.warmupSeconds { return }
        }
    }

    private static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
