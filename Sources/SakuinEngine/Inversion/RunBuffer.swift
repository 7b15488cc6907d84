/// Where a token stands, as what is kept of its occurrences is put in order.
protocol TokenPlace: BitwiseCopyable {
    /// Numbers of an occurrence.
    static var valueCount: Int { get }
    /// A document, or its rank among those of a character.
    var document: UInt32 { get }

    /// `first`: which occurrence of its first character in the document it is; `link`: that of the character beside.
    init(document: UInt32, first: UInt32, link: UInt32, position: UInt32)
    /// An edge or a pair: the link of its character, and a position.
    init(document: UInt32, link: UInt32, position: UInt32)

    /// Writes the numbers.
    func write(to values: UnsafeMutablePointer<UInt32>)
}

/// A place in a list of positions.
struct PositionedPlace: TokenPlace {
    static let valueCount = 1
    var document: UInt32
    var position: UInt32

    @inline(__always)
    init(document: UInt32, first: UInt32, link: UInt32, position: UInt32) {
        self.init(document: document, link: link, position: position)
    }

    @inline(__always)
    init(document: UInt32, link: UInt32, position: UInt32) {
        self.document = document
        self.position = position
    }

    @inline(__always)
    func write(to values: UnsafeMutablePointer<UInt32>) { values.pointee = position }
}

/// A place in a list of links.
struct LinkedPlace: TokenPlace {
    static let valueCount = 2
    var document: UInt32
    var first: UInt32
    var second: UInt32

    @inline(__always)
    init(document: UInt32, first: UInt32, link: UInt32, position: UInt32) {
        self.document = document
        self.first = first
        second = link
    }

    @inline(__always)
    init(document: UInt32, link: UInt32, position: UInt32) {
        self.document = document
        first = link
        second = position
    }

    @inline(__always)
    func write(to values: UnsafeMutablePointer<UInt32>) {
        values[0] = first
        values[1] = second
    }
}

/// A growable run of places.
typealias PlaceBuffer<Place: TokenPlace> = GrowableBuffer<Place>

extension GrowableBuffer where Element: TokenPlace {
    var places: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: values, count: count) }
}

/// Places of one list, in order, as what a list is written from: documents, frequencies and numbers of occurrences apart.
struct RunBuffer: ~Copyable {
    private var capacity = 0
    private var numbers: UnsafeMutablePointer<UInt32>
    /// Where the positions of each document end; then how many it has.
    private var frequencies: UnsafeMutablePointer<UInt32>
    /// At most two a place.
    private var positions: UnsafeMutablePointer<UInt32>
    private var documents: UnsafeMutablePointer<UInt32>
    private var ones: UnsafeMutablePointer<UInt32>

    init() {
        numbers = .allocate(capacity: 0)
        frequencies = .allocate(capacity: 0)
        positions = .allocate(capacity: 0)
        documents = .allocate(capacity: 0)
        ones = .allocate(capacity: 0)
        grow(1024)
    }

    deinit { free() }

    private func free() {
        numbers.deallocate()
        frequencies.deallocate()
        positions.deallocate()
        documents.deallocate()
        ones.deallocate()
    }

    private mutating func grow(_ wanted: Int) {
        free()
        // Six arrays of this size: those of the longest lists take no more than they must.
        capacity = max(wanted + wanted / 8, min(2 * capacity, 1 << 18))
        numbers = .allocate(capacity: capacity)
        frequencies = .allocate(capacity: capacity)
        positions = .allocate(capacity: 2 * capacity)
        documents = .allocate(capacity: capacity)
        ones = .allocate(capacity: capacity)
        ones.initialize(repeating: 1, count: capacity)
    }

    /// The run of places that name documents; valid until the next call.
    mutating func run<Place: TokenPlace>(_ places: UnsafeBufferPointer<Place>) -> PostingRun {
        let count = take(places)
        return PostingRun(
            count: count, documents: numbers, frequencies: counts(count, places.count), positions: positions)
    }

    /// The run of places that name ranks in `known`; documents are filled in for lists of a block and more.
    mutating func run<Place: TokenPlace>(
        _ places: UnsafeBufferPointer<Place>, ranksOf known: borrowing CodeBuffer
    ) -> PostingRun {
        let count = take(places)
        if count >= PostingListWriter.blockCount {
            let known = known.values
            for i in 0..<count { documents[i] = known[Int(numbers[i])] }
        }
        return PostingRun(
            count: count, documents: documents, frequencies: counts(count, places.count), ranks: numbers,
            rankLimit: known.count, positions: positions)
    }

    /// Takes the places apart; returns how many documents they have. Without a branch for each, since whether a place
    /// has another document than the one before cannot be foreseen.
    @inline(__always)
    private mutating func take<Place: TokenPlace>(_ places: UnsafeBufferPointer<Place>) -> Int {
        guard let from = places.baseAddress, places.count > 0 else { return 0 }
        if places.count > capacity { grow(places.count) }
        let (numbers, ends, positions) = (numbers, frequencies, positions)
        var previous = from[0].document
        var last = 0
        for i in 0..<places.count {
            let place = from[i]
            last &+= place.document == previous ? 0 : 1
            previous = place.document
            numbers[last] = previous
            ends[last] = UInt32(truncatingIfNeeded: i &+ 1)
            place.write(to: positions + i &* Place.valueCount)
        }
        return last &+ 1
    }

    /// The frequencies of `count` documents with so many places.
    @inline(__always)
    private func counts(_ count: Int, _ placeCount: Int) -> UnsafePointer<UInt32> {
        if count == placeCount { return UnsafePointer(ones) }
        var i = count &- 1
        while i > 0 {
            frequencies[i] &-= frequencies[i &- 1]
            i &-= 1
        }
        return UnsafePointer(frequencies)
    }
}
