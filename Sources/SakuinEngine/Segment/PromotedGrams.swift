/// The promoted grams of a segment: which there are, and their lists.
struct PromotedGrams: Sendable {
    /// What is promoted of a field: see `PromotionRule`.
    struct Field: Sendable {
        /// Documents both bigrams of a promoted trigram are in.
        var threshold: Int
        /// Documents both parts of a longer promoted gram are in.
        var longerThreshold: Int
        /// Characters of the longest promoted grams.
        var depth: Int
    }

    static let lengthMin = 3
    /// Longer grams are not looked for.
    static let lengthMax = 15

    let dictionary: WordDictionary
    let postings: SectionView
    let fields: [Int: Field]

    /// The sections of a segment of such a format.
    init(_ grams: SectionView, _ postings: SectionView, formatVersion: UInt32) throws(StorageError) {
        self.postings = postings
        func corrupt(_ reason: String) -> StorageError { grams.corrupt(max(grams.count - 4, 0), reason) }
        var count = ByteReader(try grams.bytes(grams.count - 4, 4), file: grams.file)
        let fieldCount = Int(try count.read32())
        let hasLonger = formatVersion >= SegmentLayout.longerThresholdVersion
        let byteCount = fieldCount * (PromotedSections.fieldByteCount - (hasLonger ? 0 : 4)) + 4
        guard fieldCount <= SegmentLayout.fieldCountMax, byteCount <= grams.count else {
            throw corrupt("promoted grams of \(fieldCount) fields")
        }
        var reader = ByteReader(
            try grams.bytes(grams.count - byteCount, byteCount), file: grams.file,
            base: grams.fileOffset + grams.count - byteCount)
        var fields: [Int: Field] = [:]
        for _ in 0..<fieldCount {
            let number = Int(try reader.read32())
            let (threshold, depth) = (Int(try reader.read32()), Int(try reader.read32()))
            let field = Field(
                threshold: threshold, longerThreshold: hasLonger ? Int(try reader.read32()) : threshold, depth: depth)
            guard number < SegmentLayout.fieldCountMax, fields[number] == nil, threshold > 0,
                field.longerThreshold > 0, (Self.lengthMin...Self.lengthMax).contains(depth)
            else { throw reader.corrupt("what is promoted of field \(number) cannot be") }
            fields[number] = field
        }
        self.fields = fields
        dictionary = try WordDictionary(grams, hasPositions: false, upTo: grams.count - byteCount)
    }

    /// Hands the key of a gram to `body`.
    @inline(__always)
    static func withKey<R>(
        field: Int, _ characters: some Collection<UInt32>, _ body: (UnsafeRawBufferPointer) -> R
    ) -> R {
        withUnsafeTemporaryAllocation(byteCount: 3 + 3 * characters.count, alignment: 1) { key in
            key[0] = UInt8(truncatingIfNeeded: field >> 8)
            key[1] = UInt8(truncatingIfNeeded: field)
            key[2] = UInt8(truncatingIfNeeded: characters.count)
            var at = 3
            for character in characters {
                key[at] = UInt8(truncatingIfNeeded: character >> 16)
                key[at + 1] = UInt8(truncatingIfNeeded: character >> 8)
                key[at + 2] = UInt8(truncatingIfNeeded: character)
                at += 3
            }
            return body(UnsafeRawBufferPointer(key))
        }
    }

    /// The inverse; nil when it is no key.
    static func gram(of key: [UInt8]) -> (field: Int, characters: [UInt32])? {
        guard key.count > 3, key.count == 3 + 3 * Int(key[2]) else { return nil }
        var characters: [UInt32] = []
        for at in stride(from: 3, to: key.count, by: 3) {
            let (high, middle, low) = (UInt32(key[at]), UInt32(key[at + 1]), UInt32(key[at + 2]))
            characters.append(high << 16 | middle << 8 | low)
        }
        return (Int(key[0]) << 8 | Int(key[1]), characters)
    }

    /// The list of a gram; nil when there is none.
    func find(field: Int, _ characters: some Collection<UInt32>) throws(StorageError) -> TermInfo? {
        let found: Result<TermInfo?, StorageError> = Self.withKey(field: field, characters) { key in
            do throws(StorageError) { return .success(try dictionary.find(key)) } catch { return .failure(error) }
        }
        return try found.get()
    }
}
