/// Counts keywords: by their ranks in a segment, then as runs in the order of their strings, one a segment.
final class KeywordCounts: ColumnCounts {
    private struct Entry: BitwiseCopyable {
        /// Place in `columns`.
        var column: Int32
        var rank: UInt32
        var count: Int
    }

    private let kind: ColumnKind
    private let field: String
    private let limits: FacetLimits
    private var columns: [Column] = []
    /// By rank in the last of the columns.
    private var counts: [UInt32] = []
    private var runs: [[Entry]] = []

    init(_ kind: ColumnKind, _ field: String, _ limits: FacetLimits) {
        self.kind = kind
        self.field = field
        self.limits = limits
    }

    override func enter(_ column: Column) throws(SearchError) {
        try endSegment()
        try limits.take(column.stringCount * MemoryLayout<UInt32>.stride, for: field)
        counts = [UInt32](repeating: 0, count: column.stringCount)
        columns.append(column)
    }

    override func take(
        _ documents: UnsafeMutablePointer<UInt32>, _ count: Int
    ) throws(SearchError) -> Int {
        guard let column = columns.last else { return count }
        if let lists = column.lists { return try takeLists(of: documents, count, column, lists) }
        var isDamaged = false
        let left = counts.withUnsafeMutableBufferPointer { counts in
            column.takeValues(of: documents, count) { rank in
                if rank >= 0, rank < counts.count { counts[Int(rank)] &+= 1 } else { isDamaged = true }
            }
        }
        if isDamaged { throw .storage(column.damagedRank) }
        return left
    }

    /// Counts each keyword of a document.
    private func takeLists(
        of documents: UnsafeMutablePointer<UInt32>, _ count: Int, _ column: Column, _ lists: KeywordLists
    ) throws(SearchError) -> Int {
        do throws(StorageError) {
            return try counts.withUnsafeMutableBufferPointer { (counts) throws(StorageError) in
                try column.takeLists(of: documents, count, lists) { (list) throws(StorageError) in
                    for at in list { counts[Int(try lists.rank(at))] &+= 1 }
                }
            }
        } catch { throw .storage(error) }
    }

    /// Makes a run of what was counted in the last segment.
    private func endSegment() throws(SearchError) {
        let distinctCount = counts.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }
        if distinctCount > 0 {
            try limits.take(distinctCount * MemoryLayout<Entry>.stride, for: field)
            var run: [Entry] = []
            run.reserveCapacity(distinctCount)
            let column = Int32(truncatingIfNeeded: columns.count - 1)
            for (rank, count) in counts.enumerated() where count > 0 {
                run.append(Entry(column: column, rank: UInt32(truncatingIfNeeded: rank), count: Int(count)))
            }
            runs.append(run)
        }
        limits.giveBack(counts.count * MemoryLayout<UInt32>.stride)
        counts = []
    }

    override func offer(to best: inout BestCounts) throws(SearchError) {
        try endSegment()
        if runs.count > 1 {
            // What is merged is there twice for a while.
            try limits.take(runs.reduce(0) { $0 + $1.count } * MemoryLayout<Entry>.stride, for: field)
        }
        while runs.count > 1 {
            var merged: [[Entry]] = []
            for first in stride(from: 0, to: runs.count, by: 2) {
                merged.append(first + 1 < runs.count ? try merge(runs[first], runs[first + 1]) : runs[first])
            }
            runs = merged
        }
        for (place, entry) in (runs.first ?? []).enumerated() {
            try limits.check(at: place)
            best.offer(BestCounts.Entry(count: entry.count, kind: kind, order: Int64(place)))
        }
    }

    /// One run of two; what has the same string becomes one entry.
    private func merge(_ a: [Entry], _ b: [Entry]) throws(SearchError) -> [Entry] {
        var merged: [Entry] = []
        merged.reserveCapacity(a.count + b.count)
        var (x, y) = (0, 0)
        while x < a.count, y < b.count {
            try limits.check(at: merged.count)
            let order = columns[Int(a[x].column)].compare(a[x].rank, columns[Int(b[y].column)], b[y].rank)
            var entry = order <= 0 ? a[x] : b[y]
            if order == 0 { entry.count += b[y].count }
            merged.append(entry)
            x += order <= 0 ? 1 : 0
            y += order >= 0 ? 1 : 0
        }
        merged += a[x...]
        merged += b[y...]
        return merged
    }

    override func value(_ order: Int64) -> FacetValue? {
        guard let run = runs.first, order >= 0, order < run.count else { return nil }
        let entry = run[Int(order)]
        return .keyword(String(decoding: columns[Int(entry.column)].string(Int64(entry.rank)), as: UTF8.self))
    }
}
