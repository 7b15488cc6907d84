// Tokens in the order they come, apart by what they begin with: for each character, or each word, of a field where it
// stands in which documents.
//
// Everything a character begins stands together in a segment, so appending to a stream of its own for each character is
// the first step of sorting, and the only one whose working set grows with the text; the rest is done stream by stream
// when the chunk is sealed (`StreamSorting`).
//
// A stream is a chain of blocks of 32-bit words. A word with bit 0 set is a document (bits 1-31) and begins its events;
// all ones are followed by the address of the next block, 0 at the end. A word with bit 0 clear is an event: bit 1: an
// edge; then (`TokenLayout`) the stream of the character directly behind it, `none` when there is none, `escaped` when it
// stands in the next word; which occurrence of that character in the document it is, counted from 0, all ones when that
// stands in the next word; its distance from the event before in this document, all ones when it stands in the next word.
// A word that is indexed has bit 1 set in its event; when a character stands directly before it, a second event
// with bit 1 clear has the stream of that one.

/// Where the parts of an event stand.
struct TokenLayout: BitwiseCopyable {
    let none: UInt32
    var escaped: UInt32 { none &- 1 }
    let linkMask: UInt32
    let linkShift: UInt32
    let distanceShift: UInt32
    let farDistance: UInt32
    /// All ones where there are links.
    var highLink: UInt32 { linkMask == 0 ? .max : linkMask }

    private init(secondBits: UInt32, linkBits: UInt32) {
        none = (1 << secondBits) - 1
        linkMask = (1 << linkBits) - 1
        linkShift = 2 + secondBits
        distanceShift = linkShift + linkBits
        farDistance = UInt32.max >> distanceShift
    }

    static let withoutLinks = TokenLayout(secondBits: 16, linkBits: 0)
    static let withLinks = TokenLayout(secondBits: 12, linkBits: 6)

    /// What a stream calls a character by the number of its stream: no number is that of `none` or `escaped`.
    @inline(__always)
    func code(_ number: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: number < Int(escaped) ? number : number &+ 2)
    }
}

struct TokenStreams: ~Copyable {
    static let blockEnd = UInt32.max
    private static let firstBlockWordCount = 16
    private static let blockWordCountMax = 1024
    /// Words an append may take, and those of the link to the next block.
    private static let appendWordCountMax = 5
    private static let linkWordCount = 3
    private static let lineWordCount = 16

    /// What an append touches: two to a cache line.
    struct Stream {
        /// Where the next word goes.
        var at: UnsafeMutablePointer<UInt32>
        /// An append may begin up to here.
        var limit: UnsafeMutablePointer<UInt32>
        var document: UInt32
        var position: UInt32
        /// Events of the document so far.
        var eventCount: UInt32
        /// Bits 0-3: how often the first block was doubled for this one; above: the words of the blocks before, in blocks
        /// of that size.
        var blocks: UInt32

        var blockWordCount: Int { firstBlockWordCount &<< Int(blocks & 15) }
        var wordsBefore: Int { Int(blocks &>> 4) &* firstBlockWordCount }
    }

    private(set) var base: UnsafeMutablePointer<Stream>
    private var capacity = 16
    private(set) var count = 0
    private var starts: [UnsafeMutablePointer<UInt32>] = []
    private let arena: TokenArena
    let layout: TokenLayout

    init(_ arena: TokenArena, _ layout: TokenLayout) {
        self.arena = arena
        self.layout = layout
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
                eventCount: 0, blocks: 0))
        starts.append(block)
        count += 1
        return count - 1
    }

    private static func limit(
        _ block: UnsafeMutablePointer<UInt32>, _ count: Int
    ) -> UnsafeMutablePointer<UInt32> {
        block + (count - appendWordCountMax - linkWordCount)
    }

    /// Events of a document in a stream, when no later document was appended.
    @inline(__always)
    func eventCount(of number: Int, in document: UInt32) -> UInt32 {
        base[number].document == document ? base[number].eventCount : 0
    }

    /// Appends an event of a stream: documents come in order, and positions in each. `second`: the stream of the
    /// character beside, or `UInt32.max`; `edge`: bit 1 of the event. With `link` nil the next occurrence of that character
    /// is meant.
    @inline(__always)
    func append(
        to number: Int, _ document: UInt32, position: UInt32, second: UInt32, edge: UInt32, link known: UInt32? = nil
    ) {
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
        stream.pointee.eventCount = isKnown ? stream.pointee.eventCount &+ 1 : 1
        let link = known ?? (second == .max ? 0 : eventCount(of: Int(second), in: document))
        if distance < layout.farDistance, second < layout.escaped, link < layout.highLink {
            at.pointee =
                distance &<< layout.distanceShift | link &<< layout.linkShift | second &<< 2 | edge &<< 1
            at += 1
        } else {
            at = Self.appendRare(at, distance, second, link, edge, layout)
        }
        stream.pointee.at = at
        // The ends of all streams are in the cache but for the line that comes next.
        Prefetch.lineToWrite(at + Self.lineWordCount)
    }

    @inline(never)
    private static func appendRare(
        _ start: UnsafeMutablePointer<UInt32>, _ distance: UInt32, _ second: UInt32, _ link: UInt32, _ edge: UInt32,
        _ layout: TokenLayout
    ) -> UnsafeMutablePointer<UInt32> {
        let (isFar, isHigh) = (distance >= layout.farDistance, link >= layout.highLink)
        let isEscaped = second >= layout.escaped && second != .max
        let code = second == .max ? layout.none : isEscaped ? layout.escaped : second
        var at = start
        at.pointee =
            (isFar ? layout.farDistance : distance) &<< layout.distanceShift
            | (isHigh ? layout.highLink : link) &<< layout.linkShift | code &<< 2 | edge &<< 1
        at += 1
        if isEscaped {
            at.pointee = second
            at += 1
        }
        if isHigh {
            at.pointee = link
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
        let held = stream.pointee.blockWordCount
        let count = min(2 * held, Self.blockWordCountMax)
        let block = arena.block(count)
        stream.pointee.blocks &+= UInt32(truncatingIfNeeded: held / Self.firstBlockWordCount) &<< 4
        if count > held { stream.pointee.blocks &+= 1 }
        Self.link(from: stream.pointee.at, to: block)
        stream.pointee.at = block
        stream.pointee.limit = Self.limit(block, count)
    }

    /// About how many words a stream has.
    func wordCount(_ number: Int) -> Int { base[number].wordsBefore + base[number].blockWordCount / 2 }

    private static func link(from at: UnsafeMutablePointer<UInt32>, to block: UnsafeMutablePointer<UInt32>?) {
        at.pointee = blockEnd
        UnsafeMutableRawPointer(at + 1).storeBytes(of: UInt64(UInt(bitPattern: block)), as: UInt64.self)
    }

    /// The events of a stream. More may be appended afterwards.
    func reader(_ number: Int) -> TokenStreamReader {
        Self.link(from: base[number].at, to: nil)
        return TokenStreamReader(starts[number], layout)
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
    /// What `TokenLayout.code` calls the character beside; `none` if there is none.
    private(set) var second: UInt32 = 0
    private(set) var isEdge = false
    /// Which occurrence of the character beside it is.
    private(set) var link: UInt32 = 0
    /// Whether the event is the first of its document.
    private(set) var isFirst = false

    let layout: TokenLayout

    fileprivate init(_ start: UnsafeMutablePointer<UInt32>, _ layout: TokenLayout) {
        at = UnsafePointer(start)
        self.layout = layout
    }

    /// Whether a character is beside.
    var hasSecond: Bool { @inline(__always) get { second != layout.none } }

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
        second = word &>> 2 & layout.none
        if second == layout.escaped {
            second = at.pointee &+ 2
            at += 1
        }
        link = word &>> layout.linkShift & layout.linkMask
        if link == layout.highLink {
            link = at.pointee
            at += 1
        }
        var distance = word &>> layout.distanceShift
        if distance == layout.farDistance {
            distance = at.pointee
            at += 1
        }
        position &+= distance
        return true
    }
}
