// Tokens in the order they come, apart by what they begin with: for each character, or each word, of a field where it
// stands in which documents.
//
// Everything a character begins stands together in a segment, so appending to a stream of its own for each character is
// the first step of sorting, and the only one whose working set grows with the text; the rest is done stream by stream
// when the chunk is sealed (`StreamSorting`).
//
// A stream is a chain of blocks of 32-bit words. A word with bit 0 set is a document (bits 1-31) and begins its events;
// all ones are followed by the address of the next block, 0 at the end. A word with bit 0 clear is an event: bit 1: an
// edge; bits 2-17: the stream of the character directly behind it, `none` when there is none, `escaped` when it stands in
// the next word; bits 18-31: its distance from the event before in this document, all ones when it stands in the next
// word. A word that is indexed has bit 1 set in its event; when a character stands directly before it, a second event
// with bit 1 clear has the stream of that one.

struct TokenStreams: ~Copyable {
    static let none: UInt32 = 0xFFFF
    static let escaped: UInt32 = 0xFFFE
    static let farDistance: UInt32 = 0x3FFF
    static let blockEnd = UInt32.max
    private static let firstBlockWordCount = 16
    private static let blockWordCountMax = 1024
    /// Words an append may take, and those of the link to the next block.
    private static let appendWordCountMax = 4
    private static let linkWordCount = 3

    /// What an append touches: two to a cache line.
    struct Stream {
        /// Where the next word goes.
        var at: UnsafeMutablePointer<UInt32>
        /// An append may begin up to here.
        var limit: UnsafeMutablePointer<UInt32>
        var document: UInt32
        var position: UInt32
        var blockWordCount: UInt32
        /// Words of the blocks before this one.
        var wordsBefore: UInt32
    }

    private(set) var base: UnsafeMutablePointer<Stream>
    private var capacity = 16
    private(set) var count = 0
    private var starts: [UnsafeMutablePointer<UInt32>] = []
    private let arena: TokenArena

    init(_ arena: TokenArena) {
        self.arena = arena
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Bytes besides those of the arena.
    var byteCount: Int { capacity * MemoryLayout<Stream>.stride + starts.capacity * 8 }

    /// Starts a stream; returns its number.
    mutating func add() -> Int {
        if count == capacity {
            let moved = UnsafeMutablePointer<Stream>.allocate(capacity: 2 * capacity)
            moved.moveInitialize(from: base, count: count)
            base.deallocate()
            base = moved
            capacity *= 2
        }
        let block = arena.block(Self.firstBlockWordCount)
        (base + count).initialize(
            to: Stream(
                at: block, limit: Self.limit(block, Self.firstBlockWordCount), document: .max, position: 0,
                blockWordCount: UInt32(Self.firstBlockWordCount), wordsBefore: 0))
        starts.append(block)
        count += 1
        return count - 1
    }

    private static func limit(
        _ block: UnsafeMutablePointer<UInt32>, _ count: Int
    ) -> UnsafeMutablePointer<UInt32> {
        block + (count - appendWordCountMax - linkWordCount)
    }

    /// Appends an event of a stream: documents come in order, and positions in each. `second`: the stream of the
    /// character beside, or `UInt32.max`; `edge`: bit 1 of the event.
    @inline(__always)
    func append(to number: Int, _ document: UInt32, position: UInt32, second: UInt32, edge: UInt32) {
        let stream = base + number
        if stream.pointee.at > stream.pointee.limit { addBlock(stream) }
        var at = stream.pointee.at
        // Whether a character is new in a document cannot be foreseen: what is written is kept or not.
        let isKnown = stream.pointee.document == document
        at.pointee = document &<< 1 | 1
        at += isKnown ? 0 : 1
        stream.pointee.document = document
        let distance = position &- (isKnown ? stream.pointee.position : 0)
        stream.pointee.position = position
        if distance < Self.farDistance, second < Self.escaped {
            at.pointee = distance &<< 18 | second &<< 2 | edge &<< 1
            at += 1
        } else {
            at = Self.appendRare(at, distance, second, edge)
        }
        stream.pointee.at = at
    }

    @inline(never)
    private static func appendRare(
        _ start: UnsafeMutablePointer<UInt32>, _ distance: UInt32, _ second: UInt32, _ edge: UInt32
    ) -> UnsafeMutablePointer<UInt32> {
        let isFar = distance >= farDistance
        let isEscaped = second >= escaped && second != .max
        let code = second == .max ? none : isEscaped ? escaped : second
        var at = start
        at.pointee = (isFar ? farDistance : distance) &<< 18 | code &<< 2 | edge &<< 1
        at += 1
        if isEscaped {
            at.pointee = second
            at += 1
        }
        if isFar {
            at.pointee = distance
            at += 1
        }
        return at
    }

    @inline(never)
    private func addBlock(_ stream: UnsafeMutablePointer<Stream>) {
        let count = min(2 * Int(stream.pointee.blockWordCount), Self.blockWordCountMax)
        let block = arena.block(count)
        stream.pointee.wordsBefore &+= stream.pointee.blockWordCount
        Self.link(from: stream.pointee.at, to: block)
        stream.pointee.at = block
        stream.pointee.limit = Self.limit(block, count)
        stream.pointee.blockWordCount = UInt32(count)
    }

    /// About how many words a stream has.
    func wordCount(_ number: Int) -> Int { Int(base[number].wordsBefore) + Int(base[number].blockWordCount) / 2 }

    private static func link(from at: UnsafeMutablePointer<UInt32>, to block: UnsafeMutablePointer<UInt32>?) {
        at.pointee = blockEnd
        UnsafeMutableRawPointer(at + 1).storeBytes(of: UInt64(UInt(bitPattern: block)), as: UInt64.self)
    }

    /// The events of a stream. More may be appended afterwards.
    func reader(_ number: Int) -> TokenStreamReader {
        Self.link(from: base[number].at, to: nil)
        return TokenStreamReader(starts[number])
    }

    mutating func removeAll() {
        count = 0
        starts.removeAll(keepingCapacity: true)
    }
}

/// Walks a stream while nothing is appended to it.
struct TokenStreamReader {
    private var at: UnsafePointer<UInt32>
    private(set) var document: UInt32 = 0
    private(set) var position: UInt32 = 0
    /// The stream of the character beside; `TokenStreams.none` if there is none, which no stream's number is then: those
    /// up from `escaped` are given as their number plus 2.
    private(set) var second: UInt32 = 0
    private(set) var isEdge = false
    /// Whether the event is the first of its document.
    private(set) var isFirst = false

    fileprivate init(_ start: UnsafeMutablePointer<UInt32>) { at = UnsafePointer(start) }

    /// Steps to the next event; false at the end.
    @inline(__always)
    mutating func next() -> Bool {
        isFirst = false
        var word = at.pointee
        while word & 1 != 0 {
            if word == TokenStreams.blockEnd {
                let link = UnsafeRawPointer(at + 1).loadUnaligned(as: UInt64.self)
                guard let block = UnsafePointer<UInt32>(bitPattern: UInt(link)) else { return false }
                at = block
            } else {
                document = word &>> 1
                position = 0
                isFirst = true
                at += 1
            }
            word = at.pointee
        }
        at += 1
        isEdge = word & 2 != 0
        second = word &>> 2 & 0xFFFF
        if second == TokenStreams.escaped {
            second = at.pointee &+ 2
            at += 1
        }
        var distance = word &>> 18
        if distance == TokenStreams.farDistance {
            distance = at.pointee
            at += 1
        }
        position &+= distance
        return true
    }
}
