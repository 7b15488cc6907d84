/// A place of a token: a document, or its rank among those of a character, and a position.
struct TokenPlace: BitwiseCopyable {
    var document: UInt32
    var position: UInt32
}

/// A growable run of places.
typealias PlaceBuffer = GrowableBuffer<TokenPlace>

extension GrowableBuffer where Element == TokenPlace {
    var places: UnsafeBufferPointer<TokenPlace> { UnsafeBufferPointer(start: values, count: count) }

    @inline(__always)
    mutating func append(_ document: UInt32, _ position: UInt32) {
        append(TokenPlace(document: document, position: position))
    }
}

/// Places of one list, in order, as what a list is written from: documents, frequencies and positions apart.
struct RunBuffer: ~Copyable {
    private var capacity = 0
    private var numbers: UnsafeMutablePointer<UInt32>
    /// Where the positions of each document end; then how many it has.
    private var frequencies: UnsafeMutablePointer<UInt32>
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
        // Five arrays of this size: those of the longest lists take no more than they must.
        capacity = max(wanted + wanted / 8, min(2 * capacity, 1 << 18))
        numbers = .allocate(capacity: capacity)
        frequencies = .allocate(capacity: capacity)
        positions = .allocate(capacity: capacity)
        documents = .allocate(capacity: capacity)
        ones = .allocate(capacity: capacity)
        ones.initialize(repeating: 1, count: capacity)
    }

    /// The run of places that name documents; valid until the next call.
    mutating func run(_ places: UnsafeBufferPointer<TokenPlace>) -> PostingRun {
        let count = take(places)
        return PostingRun(
            count: count, documents: numbers, frequencies: counts(count, places.count), positions: positions)
    }

    /// The run of places that name ranks in `known`; documents are filled in for lists of a block and more.
    mutating func run(
        _ places: UnsafeBufferPointer<TokenPlace>, ranksOf known: borrowing CodeBuffer
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
    private mutating func take(_ places: UnsafeBufferPointer<TokenPlace>) -> Int {
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
            positions[i] = place.position
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
