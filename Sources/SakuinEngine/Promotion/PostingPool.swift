/// Documents and frequencies of many lists that grow side by side, in blocks that lists let go and others take again.
///
/// A list is a chain of blocks of 32 bytes: 28 of what is in it, then the number of the next block. A posting is the
/// distance from the document before, minus one, twice, plus one if a frequency above 1 follows: both as LEB128.
struct PostingPool: ~Copyable {
    private static let blockByteCount = 32
    private static let linkAt = 28

    private var bytes = GrowableBuffer<UInt8>(capacity: 4096)
    private var freeBlocks: [UInt32] = []

    /// Where a list is written on, and where it begins.
    struct Place: BitwiseCopyable {
        fileprivate var first: UInt32
        fileprivate var at: UInt32
        fileprivate var document = UInt32.max
    }

    init() {}

    /// Bytes of the blocks of all lists.
    var byteCount: Int { bytes.count - freeBlocks.count * Self.blockByteCount }

    /// Begins a list.
    mutating func begin() -> Place {
        let block = takeBlock()
        return Place(first: block, at: block &* UInt32(Self.blockByteCount))
    }

    private mutating func takeBlock() -> UInt32 {
        if let block = freeBlocks.popLast() { return block }
        let block = bytes.count / Self.blockByteCount
        bytes.resize(bytes.count + Self.blockByteCount)
        return UInt32(truncatingIfNeeded: block)
    }

    /// Appends a document above all before.
    @inline(__always)
    mutating func append(_ document: UInt32, _ frequency: UInt32, to place: inout Place) {
        let distance = document &- place.document &- 1
        place.document = document
        append(distance &<< 1 | (frequency > 1 ? 1 : 0), to: &place)
        if frequency > 1 { append(frequency, to: &place) }
    }

    @inline(__always)
    private mutating func append(_ value: UInt32, to place: inout Place) {
        var value = value
        while value >= 0x80 {
            append(byte: UInt8(truncatingIfNeeded: value) | 0x80, to: &place)
            value &>>= 7
        }
        append(byte: UInt8(truncatingIfNeeded: value), to: &place)
    }

    @inline(__always)
    private mutating func append(byte: UInt8, to place: inout Place) {
        if Int(place.at) % Self.blockByteCount == Self.linkAt { addBlock(&place) }
        bytes.values[Int(place.at)] = byte
        place.at &+= 1
    }

    private mutating func addBlock(_ place: inout Place) {
        let block = takeBlock()
        UnsafeMutableRawPointer(bytes.values + Int(place.at)).storeBytes(of: block, as: UInt32.self)
        place.at = block &* UInt32(Self.blockByteCount)
    }

    private func next(_ block: UInt32) -> UInt32 {
        UnsafeRawPointer(bytes.values + Int(block) * Self.blockByteCount + Self.linkAt).load(as: UInt32.self)
    }

    /// Gives the blocks of a list back.
    mutating func end(_ place: Place) {
        var block = place.first
        let last = place.at / UInt32(Self.blockByteCount)
        while block != last {
            freeBlocks.append(block)
            block = next(block)
        }
        freeBlocks.append(last)
    }

    /// Reads the `count` postings of a list.
    func read(_ place: Place, count: Int, _ documents: inout CodeBuffer, _ frequencies: inout CodeBuffer) {
        documents.resize(count)
        frequencies.resize(count)
        var at = Int(place.first) * Self.blockByteCount
        var document = UInt32.max
        for i in 0..<count {
            let code = value(&at)
            document = document &+ (code &>> 1) &+ 1
            documents.values[i] = document
            frequencies.values[i] = code & 1 == 0 ? 1 : value(&at)
        }
    }

    @inline(__always)
    private func value(_ at: inout Int) -> UInt32 {
        var (value, shift): (UInt32, UInt32) = (0, 0)
        while true {
            if at % Self.blockByteCount == Self.linkAt {
                at = Int(next(UInt32(truncatingIfNeeded: at / Self.blockByteCount))) * Self.blockByteCount
            }
            let byte = bytes.values[at]
            at &+= 1
            value |= UInt32(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
    }
}
