/// Gram keys in ascending order, with their entries, to blocks of up to 64 under a sparse index.
///
/// Section: blocks; the index (per block u64 first key, u40 offset of the block, u40 postings offset, u40 positions
/// offset); u64 terms, u64 blocks. A block is a run of bits: terms minus one (6), order K of key gaps (5), width D of
/// documents (6), order L of list bytes (5); a mark for every further 16 terms; zeros up to a whole byte; then the
/// terms. A mark: of the 16 terms before, how far the last key is from that of the mark before (or the block's first
/// key), order K + 4; their bits, order 9; bytes of their lists, order L + 4; of their positions, order 0. A block has
/// terms of one field. A term: its key minus the
/// key before, or 0 for the first of a block, in exponential Golomb code of order K; its documents in gamma code. Then
/// for one document: its frequency in gamma code, D bits of the document or its rank, with positions `InlinePositions`.
/// For more: when fewer than a block a bit, 1 when each has it once; bytes of its list in order L; when positions stand
/// by themselves, their bytes in order L.
struct GramDictionaryWriter: ~Copyable {
    static let blockTermCount = 64
    /// There is a mark for every so many terms.
    static let groupTermCount = 16
    static let indexStride = 23

    private(set) var termCount = 0
    private var index = ByteWriter()
    private var blockCount = 0
    private var keys: [UInt64] = []
    private var entries: [TermEntry] = []
    /// Occurrences of the block's terms of one document, one after another.
    private var inline = CodeBuffer()
    private var bits = BitWriter(capacity: 1024)
    private var terms = BitWriter(capacity: 1024)

    init() {}

    /// Appends a term above all before. `inlinePositions`: the occurrences of a term of one document.
    mutating func append(
        _ key: UInt64, _ entry: TermEntry, inlinePositions: UnsafePointer<UInt32>, to section: inout SectionWriter
    ) {
        if let first = keys.first,
            keys.count == Self.blockTermCount || GramKey.field(first) != GramKey.field(key)
        {
            flush(to: &section)
        }
        keys.append(key)
        entries.append(entry)
        inline.append(inlinePositions, entry.inlineValueCount)
        termCount += 1
    }

    private mutating func flush(to section: inout SectionWriter) {
        guard let first = keys.first, let head = entries.first else { return }
        index.append64(first)
        for offset in [section.count, head.postingsOffset, head.positionsOffset] {
            index.append32(UInt32(truncatingIfNeeded: offset))
            index.append(UInt8(truncatingIfNeeded: offset >> 32))
        }
        blockCount += 1
        let (keyOrder, width, listOrder) = orders()
        bits.removeAll()
        bits.append(UInt64(keys.count - 1), width: 6)
        bits.append(UInt64(keyOrder), width: 5)
        bits.append(UInt64(width), width: 6)
        bits.append(UInt64(listOrder), width: 5)
        terms.removeAll()
        var previous = first
        var inlineAt = 0
        var mark = (key: first, bit: 0, postings: head.postingsOffset, positions: head.positionsOffset)
        for i in keys.indices {
            if i > 0, i % Self.groupTermCount == 0 {
                bits.append(previous - mark.key, order: keyOrder + 4)
                bits.append(UInt64(terms.bitCount - mark.bit), order: 9)
                bits.append(UInt64(entries[i].postingsOffset - mark.postings), order: listOrder + 4)
                bits.append(UInt64(entries[i].positionsOffset - mark.positions), order: 0)
                mark = (previous, terms.bitCount, entries[i].postingsOffset, entries[i].positionsOffset)
            }
            terms.append(keys[i] - previous, order: keyOrder)
            previous = keys[i]
            append(entries[i], width, listOrder, &inlineAt)
        }
        bits.finish()
        bits.bytes.withBytes { section.buffer.append(bytes: $0) }
        terms.finish()
        terms.bytes.withBytes { section.buffer.append(bytes: $0) }
        keys.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        inline.removeAll()
    }

    private mutating func append(_ entry: TermEntry, _ width: Int, _ listOrder: Int, _ inlineAt: inout Int) {
        terms.append(gamma: UInt64(entry.documentFrequency))
        if entry.documentFrequency == 1 {
            terms.append(gamma: UInt64(entry.frequency))
            terms.append(UInt64(entry.document), width: width)
            OccurrenceCode.write(
                inline.values + inlineAt, Int(entry.frequency), entry.occurrences, order: InlinePositions.order,
                to: &terms)
            inlineAt += entry.inlineValueCount
            return
        }
        if entry.documentFrequency < PostingListWriter.blockCount {
            terms.append(entry.isOnceEach ? 1 : 0, width: 1)
        }
        terms.append(UInt64(entry.postingsByteCount), order: listOrder)
        if entry.hasOwnPositions { terms.append(UInt64(entry.positionsByteCount), order: listOrder) }
    }

    /// What suits the terms of the block: orders near the logarithm of the mean, the width of the highest document.
    private func orders() -> (keyOrder: Int, width: Int, listOrder: Int) {
        var (gaps, gapCount, lists, listCount) = (0.0, 0.0, 0.0, 0.0)
        var highest: UInt32 = 0
        for i in keys.indices {
            // Steps to another first character or kind are long and few.
            if i > 0, keys[i] - keys[i - 1] < 1 << 16 {
                gaps += Double(keys[i] - keys[i - 1])
                gapCount += 1
            }
            if entries[i].documentFrequency == 1 {
                highest = max(highest, entries[i].document)
            } else if entries[i].postingsByteCount < 512 {
                lists += Double(entries[i].postingsByteCount)
                listCount += 1
            }
        }
        return (
            Self.order(gaps, gapCount), 32 - highest.leadingZeroBitCount, Self.order(lists, listCount)
        )
    }

    private static func order(_ sum: Double, _ count: Double) -> Int {
        guard count > 0, sum > count else { return 0 }
        return max(0, min(Int((sum / count * 0.7).exponent), 20))
    }

    mutating func finish(to section: inout SectionWriter) {
        end(to: &section)
        appendIndex(to: &section.buffer, blocks: 0, postings: 0, positions: 0)
        section.buffer.append64(UInt64(termCount))
        section.buffer.append64(UInt64(blockCount))
    }

    /// Ends the last block.
    mutating func end(to section: inout SectionWriter) { flush(to: &section) }

    /// Appends the index for sections that begin so far behind what stands in the same sections of a segment.
    func appendIndex(to out: inout ByteWriter, blocks: Int, postings: Int, positions: Int) {
        index.withBytes { bytes in
            for at in stride(from: 0, to: bytes.count, by: Self.indexStride) {
                out.append64(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
                for (i, start) in [blocks, postings, positions].enumerated() {
                    let place = at + 8 + 5 * i
                    let low = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
                    let offset = Int(low) + Int(bytes[place + 4]) << 32 + start
                    out.append32(UInt32(truncatingIfNeeded: offset))
                    out.append(UInt8(truncatingIfNeeded: offset >> 32))
                }
            }
        }
    }

    /// Appends what stands behind the index, which is all there is in `out`.
    static func appendTrailer(termCount: Int, to out: inout ByteWriter) {
        let blockCount = out.count / indexStride
        out.append64(UInt64(termCount))
        out.append64(UInt64(blockCount))
    }
}
