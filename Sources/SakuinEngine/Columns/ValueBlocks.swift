/// Numbers in blocks of 128, each as what it exceeds the least of its block by; see `ColumnSetWriter` for the layout. Points
/// into the section of the column, which outlives it.
struct ValueBlocks: BitwiseCopyable {
    private static let stride = 25

    let count: Int
    private let blocks: UnsafeRawPointer
    private let data: UnsafeRawPointer

    /// How many may stand in so many bytes.
    static func countMax(byteCount: Int) -> Int { byteCount / stride * ColumnSetWriter.blockValueCount }

    /// Those of the next `byteCount` bytes. Throws when a block lies outside of them.
    init(_ reader: inout ByteReader, count: Int, byteCount: Int) throws(StorageError) {
        self.count = count
        guard count <= Self.countMax(byteCount: byteCount) else { throw reader.corrupt("\(count) values") }
        let blockCount = (count + ColumnSetWriter.blockValueCount - 1) / ColumnSetWriter.blockValueCount
        let bytes = try reader.readBytes(byteCount)
        guard let start = bytes.baseAddress else { throw reader.corrupt("empty column") }
        blocks = start
        data = start + blockCount * Self.stride
        let dataByteCount = byteCount - blockCount * Self.stride
        for block in 0..<blockCount {
            let at = block * Self.stride
            let offset = blocks.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)
            let width = Int(blocks.load(fromByteOffset: at + 24, as: UInt8.self))
            let inside = min(ColumnSetWriter.blockValueCount, count - block * ColumnSetWriter.blockValueCount)
            guard width <= 8, width.nonzeroBitCount <= 1, offset <= UInt64(dataByteCount),
                inside * width <= dataByteCount - Int(offset)
            else { throw reader.corrupt("column block \(block) out of place") }
        }
    }

    /// Those behind the number of their bytes.
    static func readSized(_ reader: inout ByteReader, count: Int) throws(StorageError) -> ValueBlocks {
        let byteCount = try reader.read64()
        guard byteCount <= UInt64(reader.remaining) else { throw reader.corrupt("\(byteCount) bytes of values") }
        return try ValueBlocks(&reader, count: count, byteCount: Int(byteCount))
    }

    /// One block of values, ready to be read.
    private struct Block {
        var least: Int64
        var greatest: Int64
        var width: Int
        var data: UnsafeRawPointer

        /// `place` counts from the block's first value.
        @inline(__always)
        func value(_ place: Int) -> Int64 {
            let rest: UInt64 =
                switch width {
                case 0: 0
                case 1: UInt64(data.load(fromByteOffset: place, as: UInt8.self))
                case 2: UInt64(UInt16(littleEndian: data.loadUnaligned(fromByteOffset: place &* 2, as: UInt16.self)))
                case 4: UInt64(UInt32(littleEndian: data.loadUnaligned(fromByteOffset: place &* 4, as: UInt32.self)))
                default: UInt64(littleEndian: data.loadUnaligned(fromByteOffset: place &* 8, as: UInt64.self))
                }
            return least &+ Int64(bitPattern: rest)
        }
    }

    /// `number` is that of a block.
    @inline(__always)
    private func block(_ number: Int) -> Block {
        let at = blocks + number &* Self.stride
        let offset = UInt64(littleEndian: at.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        return Block(
            least: Int64(littleEndian: at.loadUnaligned(as: Int64.self)),
            greatest: Int64(littleEndian: at.loadUnaligned(fromByteOffset: 8, as: Int64.self)),
            width: Int(at.load(fromByteOffset: 24, as: UInt8.self)), data: data + Int(truncatingIfNeeded: offset))
    }

    /// The value at a place below `count`.
    @inline(__always)
    func value(_ place: Int) -> Int64 {
        block(place / ColumnSetWriter.blockValueCount).value(place % ColumnSetWriter.blockValueCount)
    }

    /// Whether any of `count` (1...64) values from `place` on can lie in the range, by the bounds of their blocks.
    @inline(__always)
    func mayHold(_ place: Int, _ count: Int, _ range: ClosedRange<Int64>) -> Bool {
        for number in place / ColumnSetWriter.blockValueCount...(place &+ count &- 1) / ColumnSetWriter.blockValueCount
        {
            let block = block(number)
            if block.least <= range.upperBound, block.greatest >= range.lowerBound { return true }
        }
        return false
    }
}
