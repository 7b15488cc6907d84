// Files of queries, and options that commands with queries share.

import SakuinClient

/// A file with a query a line, columns separated by tabs; empty lines and lines that begin with # are skipped.
struct QueryFile {
    struct Line: Sendable {
        /// The first column, when the query stands in another.
        let kind: String?
        let text: String
    }

    let lines: [Line]

    /// `column` counts from 1; nil: the last.
    init(_ path: String, column: Int?) throws {
        let source = try LineSource(path)
        var lines: [Line] = []
        while let bytes = try source.next() {
            var line = String(decoding: bytes, as: UTF8.self)
            if line.hasSuffix("\r") { line.removeLast() }
            if line.isEmpty || line.hasPrefix("#") { continue }
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            let place = column.map { $0 - 1 } ?? columns.count - 1
            guard columns.indices.contains(place) else {
                throw SakuinError.invalid(
                    "A line has \(columns.count) columns.", field: "column", limit: columns.count, value: column)
            }
            lines.append(Line(kind: place > 0 ? String(columns[0]) : nil, text: String(columns[place])))
        }
        self.lines = lines
    }
}

extension TotalPolicy {
    /// `exact`, `none` or a number, as `--total` takes it.
    init(option: String) throws {
        switch option {
        case "exact": self = .exact
        case "none": self = .none
        default:
            guard let number = Int(option), number > 0 else {
                throw SakuinError.invalid("--total is exact, none or a number.", field: "total", value: option)
            }
            self = .atLeast(number)
        }
    }
}

extension SearchMode {
    /// `exact` or `smart`, as `--mode` takes it.
    init(option: String) throws(SakuinError) {
        guard let mode = SearchMode(rawValue: option) else {
            throw .invalid("--mode is exact or smart.", field: "mode", value: option)
        }
        self = mode
    }
}

extension AcknowledgementLevel {
    /// `memory`, `log` or `disk`, as `--ack` takes it.
    init(option: String) throws(SakuinError) {
        guard let level = AcknowledgementLevel(rawValue: option) else {
            throw .invalid("--ack is memory, log or disk.", field: "ack", value: option)
        }
        self = level
    }
}

extension String {
    /// The names of an option that takes several, with commas between.
    var listedNames: [String] { split(separator: ",").map(String.init) }
}
