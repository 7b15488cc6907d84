public import CoreMetrics
import Synchronization

/// The metrics of this process, kept in memory, and as the text that Prometheus reads.
///
/// Counters and gauges are themselves; recorders and timers are summaries without quantiles (`_count` and `_sum`), timers
/// in seconds.
public final class PrometheusRegistry: MetricsFactory {
    enum Kind: String {
        case counter, gauge, summary
    }

    /// One line, or two, of a metric.
    final class Series: CounterHandler, RecorderHandler, TimerHandler, Sendable {
        let label: String
        /// `{index="news"}`, or nothing.
        let dimensions: String
        let kind: Kind
        private let value = Mutex((count: 0, sum: 0.0))

        init(_ label: String, _ dimensions: [(String, String)], _ kind: Kind) {
            self.label = label
            self.kind = kind
            let pairs = dimensions.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }
            self.dimensions = pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
        }

        private static func escaped(_ text: String) -> String {
            text.reduce(into: "") { out, character in
                switch character {
                case "\\": out += "\\\\"
                case "\"": out += "\\\""
                case "\n": out += "\\n"
                default: out.append(character)
                }
            }
        }

        func increment(by amount: Int64) { value.withLock { $0.sum += Double(amount) } }
        func reset() { value.withLock { $0 = (0, 0) } }
        func record(_ value: Int64) { record(Double(value)) }
        func record(_ number: Double) {
            value.withLock { value in
                value.count += 1
                value.sum = kind == .gauge ? number : value.sum + number
            }
        }
        func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

        var lines: [String] {
            let (count, sum) = value.withLock { $0 }
            if kind != .summary { return ["\(label)\(dimensions) \(Self.text(sum))"] }
            return ["\(label)_count\(dimensions) \(count)", "\(label)_sum\(dimensions) \(Self.text(sum))"]
        }

        private static func text(_ number: Double) -> String {
            if number.isInfinite { return number < 0 ? "-Inf" : "+Inf" }
            return Int(exactly: number).map(String.init) ?? "\(number)"
        }
    }

    private let series = Mutex<[String: Series]>([:])

    public init() {}

    /// From now on the metrics of this process go here; at most once, before the first metric is made.
    public func bootstrap() { MetricsSystem.bootstrap(self) }

    /// Metrics by label, each with its type.
    public var text: String {
        let all = series.withLock { Array($0.values) }
        var text = ""
        var last = ""
        for series in all.sorted(by: { ($0.label, $0.dimensions) < ($1.label, $1.dimensions) }) {
            if series.label != last { text += "# TYPE \(series.label) \(series.kind.rawValue)\n" }
            last = series.label
            for line in series.lines { text += line + "\n" }
        }
        return text
    }

    private func make(_ label: String, _ dimensions: [(String, String)], _ kind: Kind) -> Series {
        let new = Series(label, dimensions, kind)
        return series.withLock { series in
            if let found = series[label + new.dimensions] { return found }
            series[label + new.dimensions] = new
            return new
        }
    }

    private func destroy(_ handler: AnyObject) {
        guard let gone = handler as? Series else { return }
        series.withLock { $0[gone.label + gone.dimensions] = nil }
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make(label, dimensions, .counter)
    }
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        make(label, dimensions, aggregate ? .summary : .gauge)
    }
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        make(label, dimensions, .summary)
    }
    public func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }
}
