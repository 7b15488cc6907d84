/// The first documents by columns, score or key instead of by score alone; documents without a value come last.
struct SortedWindow {
    /// What one sort key says of a document.
    private enum Value: Comparable {
        /// A double by its ordered bits, and what an integer is above it, so that integers and floats have one exact order.
        case number(Int64, rest: Int64)
        case text([UInt8])
        case missing

        static func < (a: Value, b: Value) -> Bool {
            switch (a, b) {
            case (.number(let x, let above), .number(let y, let other)): (x, above) < (y, other)
            case (.text(let x), .text(let y)): x.lexicographicallyPrecedes(y)
            case (.number, .text): true
            case (_, .missing): a != .missing
            default: false
            }
        }
    }
    private struct Entry {
        var found: FoundDocument
        var values: [Value]
    }

    private let window: Int
    private let keys: [SortKey]
    private var entries: [Entry] = []
    private var columns: [[Column]] = []
    private var reader: SegmentReader?
    private var number: Int32 = 0
    private var failure: StorageError?

    init(_ window: Int, _ keys: [SortKey]) {
        self.window = window
        self.keys = keys
    }

    mutating func enter(_ segment: SearchableSegment, _ number: Int32) throws(SearchError) {
        self.number = number
        reader = segment.reader
        columns = []
        do throws(StorageError) {
            for key in keys { columns.append(try segment.reader.columns(of: key.field)) }
        } catch {
            throw .storage(error)
        }
    }

    mutating func offer(_ batch: MatchBatch, _ count: Int) {
        for i in 0..<count {
            let (document, score) = (batch.documents[i], Float(batch.scores[i]))
            let found = FoundDocument(score: score, segment: number, document: document)
            entries.append(Entry(found: found, values: values(document, score)))
        }
        // Kept at twice the window, so that sorting is rare.
        if entries.count > 2 * window + 1024 { cut() }
    }

    private mutating func values(_ document: UInt32, _ score: Float) -> [Value] {
        keys.enumerated().map { place, key in
            if key.field == "_score" { return .number(ColumnSetWriter.ordered(Double(score)), rest: 0) }
            if key.field == "_key" {
                do throws(StorageError) {
                    return .text(try reader?.keys.key(document) ?? [])
                } catch {
                    failure = failure ?? error
                    return .missing
                }
            }
            for column in columns[place] {
                guard let value = column.value(document) else { continue }
                switch column.kind {
                case .keyword: return .text(column.string(value))
                case .keywordSet: return first(of: document, column, key)
                case .integer:
                    let rounded = Double(value)
                    // 2^63 is the one double here that is no Int64; wrapping gives the same difference.
                    let rest = value &- (Int64(exactly: rounded) ?? .min)
                    return .number(ColumnSetWriter.ordered(rounded), rest: rest)
                case .float, .boolean, .date: return .number(value, rest: 0)
                }
            }
            return .missing
        }
    }

    /// The keyword that comes first in the direction of the key: the least, or the greatest when it descends.
    private mutating func first(of document: UInt32, _ column: Column, _ key: SortKey) -> Value {
        do throws(StorageError) {
            guard let lists = column.lists, let list = try column.list(of: document, lists) else { return .missing }
            return .text(column.string(try lists.rank(key.descending ? list.upperBound - 1 : list.lowerBound)))
        } catch {
            failure = failure ?? error
            return .missing
        }
    }

    private mutating func cut() {
        let keys = keys
        entries.sort { Self.isBefore($0, $1, keys) }
        entries.removeLast(max(0, entries.count - window))
    }

    private static func isBefore(_ a: Entry, _ b: Entry, _ keys: [SortKey]) -> Bool {
        for (place, key) in keys.enumerated() {
            let (x, y) = (a.values[place], b.values[place])
            if x == y { continue }
            if x == .missing || y == .missing { return y == .missing }
            return key.descending ? y < x : x < y
        }
        return a.found.isBefore(b.found)
    }

    func found() throws(SearchError) -> [FoundDocument] {
        if let failure { throw .storage(failure) }
        var all = self
        all.cut()
        return all.entries.map(\.found)
    }
}
