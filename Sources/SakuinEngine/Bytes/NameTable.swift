/// Values by name, where names are their bytes: keys of `Dictionary` that are strings are the same when they are
/// canonically equivalent (が as one scalar or as two), which those of documents, files and the wire are not.
struct NameTable<Value>: Sequence {
    private var entries: [[UInt8]: (key: String, value: Value)] = [:]

    init() {}

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    subscript(_ name: String) -> Value? {
        get { entries[Array(name.utf8)]?.value }
        set { entries[Array(name.utf8)] = newValue.map { (name, $0) } }
    }

    mutating func removeValue(forKey name: String) -> Value? { entries.removeValue(forKey: Array(name.utf8))?.value }

    /// In no order.
    func makeIterator() -> some IteratorProtocol<(key: String, value: Value)> { entries.values.makeIterator() }

    func filter(_ isIncluded: ((key: String, value: Value)) -> Bool) -> NameTable {
        var kept = NameTable()
        kept.entries = entries.filter { isIncluded($0.value) }
        return kept
    }
}

extension NameTable: Sendable where Value: Sendable {}
