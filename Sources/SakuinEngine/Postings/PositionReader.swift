/// A growable buffer of 32-bit values.
struct CodeBuffer: ~Copyable {
    private(set) var values: UnsafeMutablePointer<UInt32>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        values = .allocate(capacity: self.capacity)
    }

    deinit { values.deallocate() }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func append(_ value: UInt32) {
        if count == capacity { grow(1) }
        values[count] = value
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ from: UnsafePointer<UInt32>, _ more: Int) {
        if count &+ more > capacity { grow(more) }
        (values + count).update(from: from, count: more)
        count &+= more
    }

    /// Cuts to the first `size` values.
    mutating func truncate(_ size: Int) { count = min(count, size) }

    private mutating func grow(_ more: Int) {
        let wanted = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt32>.allocate(capacity: wanted)
        moved.update(from: values, count: count)
        values.deallocate()
        values = moved
        capacity = wanted
    }
}

/// Position codes of single documents out of the packed runs of a block; decodes only the runs it needs.
final class PositionReader {
    private let base: UnsafeRawPointer
    private let end: UnsafeRawPointer
    private let file: SectionView
    private let isInline: Bool

    private var blockNumber = -1
    private var blockEnd: UnsafeRawPointer
    private var blockStart: UnsafeRawPointer
    /// starts[i]: number of codes before document i of the block.
    private let starts: UnsafeMutablePointer<Int>
    private let run: UnsafeMutablePointer<UInt32>
    private var runNumber = -1
    /// Codes of the whole block.
    private var total = 0
    private var nextRun: UnsafeRawPointer

    init(_ view: SectionView, offset: Int, byteCount: Int) throws(StorageError) {
        base = try view.start(offset, byteCount)
        end = base + byteCount
        file = view
        isInline = false
        (blockStart, blockEnd, nextRun) = (base, base, base)
        starts = .allocate(capacity: 129)
        run = .allocate(capacity: 128)
    }

    /// For a term of one document, whose codes stand in the dictionary.
    init(inline codes: UnsafeRawPointer, end: UnsafeRawPointer, file: SectionView) {
        base = codes
        self.end = end
        self.file = file
        isInline = true
        (blockStart, blockEnd, nextRun) = (base, base, base)
        starts = .allocate(capacity: 129)
        run = .allocate(capacity: 128)
    }

    deinit {
        starts.deallocate()
        run.deallocate()
    }

    func leaveBlock() { blockNumber = -1 }

    /// Prepares for the documents of a block.
    func enterBlock(
        _ number: Int, skip: SkipData?, frequencies: UnsafePointer<UInt32>, count: Int
    ) throws(StorageError) {
        if number == blockNumber { return }
        let from = number == 0 ? 0 : skip?.positionsEnd(number - 1) ?? 0
        let to = skip?.positionsEnd(number) ?? (end - base)
        guard from <= to, to <= end - base else { throw file.corrupt(0, "positions out of their list") }
        blockStart = base + from
        blockEnd = base + to
        nextRun = blockStart
        runNumber = -1
        var sum = 0
        for i in 0..<count {
            starts[i] = sum
            sum &+= Int(frequencies[i])
        }
        starts[count] = sum
        total = sum
        blockNumber = number
        // Every code takes part of a packed block of at most 128; fewer bytes than blocks cannot be.
        guard isInline || (sum + 127) / 128 <= to - from else { throw file.corrupt(0, "too few position codes") }
    }

    /// Appends the codes of documents `from..<to` of the block.
    func append(from: Int, to: Int, into codes: inout CodeBuffer) throws(StorageError) {
        var at = starts[from]
        let stop = starts[to]
        if isInline {
            var cursor = RawCursor(base, end: end)
            while at < stop, !cursor.failed {
                codes.append(cursor.varint32())
                at &+= 1
            }
            if cursor.failed { throw file.corrupt(0, "damaged positions in the dictionary") }
            return
        }
        while at < stop {
            let wanted = at &>> 7
            if wanted != runNumber { try decodeRun(wanted) }
            let inside = at & 127
            let piece = min(128 &- inside, stop &- at)
            codes.append(run + inside, piece)
            at &+= piece
        }
    }

    private func decodeRun(_ wanted: Int) throws(StorageError) {
        if wanted < runNumber || runNumber < 0 {
            nextRun = blockStart
            runNumber = -1
        }
        while runNumber + 1 < wanted {
            guard let bytes = PackedBlock.byteCount(at: nextRun, end: blockEnd, count: 128) else {
                throw file.corrupt(0, "damaged positions")
            }
            nextRun += bytes
            runNumber += 1
        }
        let size = min(128, total - wanted * 128)
        guard size > 0, let next = PackedBlock.decode(at: nextRun, end: blockEnd, count: size, into: run) else {
            throw file.corrupt(0, "damaged positions")
        }
        nextRun = next
        runNumber = wanted
    }
}
