/// The documents of the character whose grams are being written, and the place of each among them.
struct CharacterRanks: ~Copyable {
    /// Key of the character's list; no gram has `.max`.
    private(set) var key = UInt64.max
    private var documents = CodeBuffer(capacity: 1024)
    /// By document, meant only for those of `documents`: their place there.
    private let places: UnsafeMutablePointer<UInt32>
    private let documentCount: Int

    init(documentCount: Int) {
        self.documentCount = documentCount
        places = .allocate(capacity: max(documentCount, 1))
        places.initialize(repeating: 0, count: max(documentCount, 1))
    }

    deinit { places.deallocate() }

    var count: Int { documents.count }

    /// Starts the list of another character.
    mutating func begin(_ key: UInt64) {
        self.key = key
        documents.removeAll()
    }

    /// Adds a document above all before, below the document count.
    @inline(__always)
    mutating func add(_ document: UInt32) {
        places[Int(document)] = UInt32(truncatingIfNeeded: documents.count)
        documents.append(document)
    }

    /// Writes the ranks of `count` documents to `out`; false when one of them is not there.
    func ranks(
        of wanted: UnsafePointer<UInt32>, count: Int, into out: UnsafeMutablePointer<UInt32>
    ) -> Bool {
        var all = true
        let (known, knownCount) = (documents.values, UInt32(truncatingIfNeeded: documents.count))
        for i in 0..<count {
            let rank = places[Int(wanted[i])]
            all = all && rank < knownCount && known[Int(rank)] == wanted[i]
            out[i] = rank
        }
        return all
    }
}
