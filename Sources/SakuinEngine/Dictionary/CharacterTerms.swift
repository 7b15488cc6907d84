/// The terms of a dictionary that are characters: short lists are places in the lists of characters, so nearly every search
/// needs some, and finding one in its block takes as long as reading a short list.
///
/// Of the field of most blocks, and of larger dictionaries, 16 bytes a character; made when the first is asked for. Characters
/// of one document, and lists of 16 MiB and more, are left to the blocks.
struct CharacterTerms: Sendable {
    static let blockCountMin = 1_024

    private struct Entry: BitwiseCopyable {
        var character: UInt32
        var documentFrequency: UInt32
        /// 40 bits the offset of the list, 24 bits its bytes.
        var list: UInt64
    }

    private static let listShift: UInt64 = 24
    private static let byteCountMax = 1 << 24 - 1
    private static let offsetMax = 1 << 40 - 1

    private let field: UInt64
    // Filled in the initialiser and never written afterwards; the owner frees them.
    /// Ascending by character, behind the last one of none.
    private nonisolated(unsafe) let entries: UnsafeMutablePointer<Entry>
    /// By sixteen characters where the first of their entries is, or would be; the last says where all end.
    private nonisolated(unsafe) let starts: UnsafeMutablePointer<UInt32>
    private static let bucketCount = 4_096
    private static let charactersPerBucket: UInt32 = 16

    /// `forEach` hands over all characters of the field, ascending.
    init(field: UInt64, _ forEach: ((UInt64, TermInfo) -> Void) -> Void) {
        self.field = field
        var entries: [Entry] = []
        forEach { key, info in
            guard key &>> GramKey.fieldShift == field, info.documentFrequency > 1,
                info.postingsByteCount <= Self.byteCountMax, info.postingsOffset <= Self.offsetMax
            else { return }
            entries.append(
                Entry(
                    character: GramKey.first(key), documentFrequency: UInt32(clamping: info.documentFrequency),
                    list: UInt64(info.postingsOffset) << Self.listShift | UInt64(info.postingsByteCount)))
        }
        let count = entries.count
        entries.append(Entry(character: .max, documentFrequency: 0, list: 0))
        self.entries = .allocate(capacity: entries.count)
        self.entries.initialize(from: entries, count: entries.count)
        starts = .allocate(capacity: Self.bucketCount + 1)
        var at = 0
        for bucket in 0..<Self.bucketCount {
            while at < count, entries[at].character < UInt32(bucket) * Self.charactersPerBucket { at += 1 }
            starts[bucket] = UInt32(at)
        }
        starts[Self.bucketCount] = UInt32(count)
    }

    func deallocate() {
        entries.deallocate()
        starts.deallocate()
    }

    /// Makes `info` the term of the character whose key it is; false when it is not known here.
    @inline(__always)
    func find(_ key: UInt64, into info: inout TermInfo) -> Bool {
        guard key &>> GramKey.fieldShift == field else { return false }
        let character = GramKey.first(key)
        let bucket = Int(min(character / Self.charactersPerBucket, UInt32(Self.bucketCount - 1)))
        var (low, length) = (Int(starts[bucket]), Int(starts[bucket &+ 1] &- starts[bucket]))
        while length > 0 {
            let half = length &>> 1
            let isBehind = entries[low &+ half].character < character
            low &+= isBehind ? half &+ 1 : 0
            length = isBehind ? length &- half &- 1 : half
        }
        guard entries[low].character == character else { return false }
        let entry = entries[low]
        info = TermInfo()
        info.isCharacter = true
        info.documentFrequency = Int(entry.documentFrequency)
        info.postingsOffset = Int(truncatingIfNeeded: entry.list &>> Self.listShift)
        info.postingsByteCount = Int(truncatingIfNeeded: entry.list & UInt64(Self.byteCountMax))
        return true
    }
}
