/// Runs an analyzer over texts and counts what comes out, for benchmarks.
@_spi(Benchmarks)
public struct TokenCounter: ~Copyable {
    private struct Sink: GramSink {
        var tokens = 0
        var checksum: UInt64 = 0
        mutating func character(_ scalar: UInt32) { checksum &+= UInt64(scalar) }
        mutating func edge(_ scalar: UInt32, position: UInt32) {
            tokens &+= 1
            checksum &+= UInt64(position)
        }
        mutating func bigram(_ first: UInt32, _ second: UInt32, position: UInt32) {
            tokens &+= 1
            checksum &+= UInt64(first ^ second ^ position)
        }
        mutating func word(_ bytes: UnsafeBufferPointer<UInt8>, position: UInt32) {
            tokens &+= 1
            checksum &+= UInt64(bytes.count)
        }
        mutating func pair(_ neighbour: WordNeighbour, _ word: UnsafeBufferPointer<UInt8>, position: UInt32) {
            tokens &+= 1
            checksum &+= UInt64(neighbour.code ^ position)
        }
    }

    private let analyzer: Analyzer
    private let scratch = UnitBuffer()
    private var sink = Sink()

    public init(_ kind: AnalyzerKind, _ breaks: BreaksPolicy) { analyzer = Analyzer(kind: kind, breaks: breaks) }

    /// Tokens so far.
    public var tokens: Int { sink.tokens }
    /// Depends on every token, so that none is left out.
    public var checksum: UInt64 { sink.checksum }

    /// Analyses a text; false when it is not UTF-8.
    public mutating func add(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        do throws(TextError) {
            _ = try analyzer.index(text, scratch: scratch, positionBase: 0, sink: &sink)
            return true
        } catch {
            return false
        }
    }
}
