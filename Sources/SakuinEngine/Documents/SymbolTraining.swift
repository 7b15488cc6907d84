/// Counts units and pairs of units in a sample of documents, and makes the table that saves most.
struct SymbolTraining: ~Copyable {
    /// More than this need not be sampled.
    static let sampleByteCount = 4 << 20
    /// Texts smaller than this are not worth a table.
    static let worthByteCount = 1 << 20
    /// Measured on Chinese verse and news and Japanese prose: 80 to 190 differ by a few percent.
    private static let oneByteCount = 110
    /// A pair seen more rarely saves less than its place in the table.
    private static let pairCountMin = 4

    private var unitCounts = [UInt32](repeating: 0, count: 1 << 16)
    private var pairCounts: [UInt32: UInt32] = [:]
    private(set) var byteCount = 0
    private let pairCountMax: Int

    /// Counts about so many distinct pairs at most; beyond that rare ones are forgotten.
    init(pairCountMax: Int = 1 << 20) {
        self.pairCountMax = pairCountMax
    }

    mutating func add(_ document: UnsafeRawBufferPointer) {
        guard let start = document.baseAddress else { return }
        forgetRarePairs()
        byteCount += document.count
        let end = start + document.count
        var at = start
        var previous: UInt16 = 0
        while at < end {
            let (unit, length) = SymbolTable.unit(at, end)
            at += length
            unitCounts[Int(unit)] &+= 1
            // Pairs of plain bytes are left to LZ4, which finds longer runs of them.
            if previous >= 0x800, unit >= 0x800 || unit > 0 {
                pairCounts[UInt32(previous) << 16 | UInt32(unit), default: 0] &+= 1
            } else if unit >= 0x800, previous > 0 {
                pairCounts[UInt32(previous) << 16 | UInt32(unit), default: 0] &+= 1
            }
            previous = unit
        }
    }

    /// Keeps the counts within bounds; documents are small beside them.
    private mutating func forgetRarePairs() {
        var least: UInt32 = 2
        while pairCounts.count > pairCountMax {
            pairCounts = pairCounts.filter { $0.value >= least }
            least *= 2
        }
    }

    /// nil when the sample is too small for one.
    func table() -> SymbolTable? {
        if byteCount == 0 { return nil }
        let units = unitCounts.indices.filter { unitCounts[$0] > 0 }.map { UInt16($0) }
            .sorted { (unitCounts[Int($0)], $1) > (unitCounts[Int($1)], $0) }
        var isShort = [Bool](repeating: false, count: 1 << 16)
        for unit in units.prefix(Self.oneByteCount) { isShort[Int(unit)] = true }
        func saved(_ pair: UInt32, _ count: UInt32) -> UInt32 {
            count * ((isShort[Int(pair >> 16)] ? 0 : 1) + (isShort[Int(pair & 0xFFFF)] ? 0 : 1))
        }
        let room = max(0, SymbolTable.symbolCountMax(oneByteCount: Self.oneByteCount) - units.count)
        let worth = pairCounts.filter { $0.value >= Self.pairCountMin && saved($0.key, $0.value) > 0 }
            .map { (saved: saved($0.key, $0.value), pair: $0.key) }
            .sorted { ($0.saved, $1.pair) > ($1.saved, $0.pair) }
        // In the order of their units, so that the table itself is small.
        let rest = units.dropFirst(Self.oneByteCount).sorted()
        let pairs = worth.prefix(room).map(\.pair).sorted()
        let symbols =
            units.prefix(Self.oneByteCount).map { SymbolTable.Symbol(first: $0, second: nil) }
            + rest.map { SymbolTable.Symbol(first: $0, second: nil) }
            + pairs.map { SymbolTable.Symbol(first: UInt16($0 >> 16), second: UInt16($0 & 0xFFFF)) }
        return SymbolTable(symbols, oneByteCount: min(Self.oneByteCount, units.count))
    }
}
