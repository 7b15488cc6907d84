// Where frequent bigrams stand, from their links alone.
//
// The places of a window only have to tell which bigrams follow each other. Links tell that too: the bigram behind one is
// that which begins with the occurrence of the character it ends with. So the bigrams of a document are put one behind
// the other as chains, with an empty place behind each, and fill no more places than the document has characters.

struct LinkedWindow: ~Copyable {
    private struct Record: BitwiseCopyable {
        var document: UInt32
        var number: UInt32
        var left: UInt32
        var right: UInt32
    }

    /// Characters by number of the bigram.
    private let firsts: [UInt32]
    private let seconds: [UInt32]
    /// As they came; then by document.
    private var records = GrowableBuffer<Record>()
    private var sorted = GrowableBuffer<Record>()
    private var ends = CodeBuffer()
    /// Of one document: a table of records by first character and left link, and by record the one behind it and whether
    /// there is one before it; places count from 1, 0 is none.
    private var table = CodeBuffer()
    private var next = CodeBuffer()
    private var isBehind = GrowableBuffer<Bool>()

    /// Bytes that a place of a window takes with what is kept here.
    static let placeByteCount = 44

    init(_ bigrams: NumberedGrams) {
        firsts = [0] + (1..<(bigrams.count + 1)).map { bigrams.characters(of: $0).first ?? 0 }
        seconds = [0] + (1..<(bigrams.count + 1)).map { bigrams.characters(of: $0).last ?? 0 }
    }

    mutating func removeAll() { records.removeAll() }

    /// Adds an occurrence of a bigram in a document of the window, which is counted from its first.
    @inline(__always)
    mutating func add(_ number: UInt32, document: UInt32, left: UInt32, right: UInt32) {
        records.append(Record(document: document, number: number, left: left, right: right))
    }

    /// Puts what was added into the window; false when a document is shorter.
    mutating func fill(_ window: borrowing GramWindow) -> Bool {
        sortByDocument(window.documents.count)
        var from = 0
        for document in 0..<window.documents.count {
            let to = Int(ends.values[document])
            defer { from = to }
            if from == to { continue }
            let place = Int(window.starts.values[document])
            let end = Int(window.starts.values[document + 1])
            guard putChains(from, to, into: window.codes.values + place, placeCount: end - place) else { return false }
        }
        return true
    }

    private mutating func sortByDocument(_ documentCount: Int) {
        ends.resize(documentCount + 1)
        ends.values.update(repeating: 0, count: documentCount + 1)
        for i in 0..<records.count { ends.values[Int(records.values[i].document)] &+= 1 }
        var sum: UInt32 = 0
        for document in 0..<documentCount {
            let count = ends.values[document]
            ends.values[document] = sum
            sum &+= count
        }
        sorted.resize(records.count)
        for i in 0..<records.count {
            let record = records.values[i]
            let at = ends.values[Int(record.document)]
            sorted.values[Int(at)] = record
            ends.values[Int(record.document)] = at &+ 1
        }
    }

    @inline(__always)
    private static func hash(_ character: UInt32, _ link: UInt32) -> Int {
        let key = UInt64(character) &<< 32 | UInt64(link)
        let product = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product &>> 33)
    }

    private mutating func putChains(
        _ from: Int, _ to: Int, into codes: UnsafeMutablePointer<UInt32>, placeCount: Int
    ) -> Bool {
        let count = to - from
        let records = sorted.values + from
        link(records, count)
        var place = 0
        for first in 0..<count where !isBehind.values[first] {
            var at = first
            while true {
                guard place + 1 < placeCount else { return false }
                codes[place] = records[at].number
                place += 1
                let behind = Int(next.values[at])
                if behind == 0 { break }
                at = behind - 1
            }
            place += 1
        }
        return true
    }

    /// Finds the record behind each of a document.
    private mutating func link(_ records: UnsafePointer<Record>, _ count: Int) {
        var size = 4
        while size < 2 * count { size *= 2 }
        table.resize(size)
        next.resize(count)
        isBehind.resize(count)
        let (table, next, isBehind, mask) = (table.values, next.values, isBehind.values, size - 1)
        table.update(repeating: 0, count: size)
        for i in 0..<count {
            isBehind[i] = false
            var slot = Self.hash(firsts[Int(records[i].number)], records[i].left) & mask
            while table[slot] != 0 { slot = (slot + 1) & mask }
            table[slot] = UInt32(truncatingIfNeeded: i + 1)
        }
        for i in 0..<count {
            next[i] = 0
            let (character, wanted) = (seconds[Int(records[i].number)], records[i].right)
            var slot = Self.hash(character, wanted) & mask
            while table[slot] != 0 {
                let found = Int(table[slot]) - 1
                // Damaged links may name one twice, which then is behind the first alone.
                if records[found].left == wanted, firsts[Int(records[found].number)] == character, !isBehind[found] {
                    next[i] = table[slot]
                    isBehind[found] = true
                    break
                }
                slot = (slot + 1) & mask
            }
        }
    }
}

/// A place for a linked window, which cannot be shared itself.
final class LinkedWindowSlot {
    var window: LinkedWindow

    init(_ window: consuming LinkedWindow) { self.window = window }
}
