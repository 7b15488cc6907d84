/// Reads every byte of a segment and re-derives its invariants; throws the first that does not hold.
enum SegmentCheck {
    /// Every byte is read twice: for its checksum, then to re-derive what it says. `pace` is told before so many bytes
    /// are, and may wait or throw.
    static func run(
        _ segment: SegmentReader,
        pace: (_ byteCount: Int) throws(StorageError) -> Void = { (_) throws(StorageError) in }
    ) throws(StorageError) {
        try segment.verifyChecksums(pace)
        var stored = 0
        try checkDocuments(segment) { (byteCount) throws(StorageError) in
            stored += byteCount
            try pace(byteCount)
        }
        // The rest in even steps over the terms.
        let promotedCount = segment.promoted?.dictionary.termCount ?? 0
        let terms = max(1, segment.grams.termCount + segment.words.termCount + promotedCount)
        let rest = max(0, segment.byteCount - stored)
        var seen = 0
        func step() throws(StorageError) {
            seen += 1
            if seen % 256 == 0 || seen == terms {
                let steps = seen % 256 == 0 ? 256 : seen % 256
                try pace(Int(Double(rest) * Double(steps) / Double(terms)))
            }
        }
        try checkTerms(segment, step)
        if let promoted = segment.promoted {
            var check = PromotedCheck(segment, promoted)
            try check.run(step)
        }
        for entry in segment.columns.entries {
            let column = try segment.columns.column(entry)
            var count = 0
            for document in 0..<UInt32(segment.meta.documentCount) where column.value(document) != nil { count += 1 }
            guard count == column.valueCount else {
                throw segment.postings.corrupt(
                    0, "column of field \(entry.field): \(count) of \(column.valueCount) values")
            }
            try column.lists?.check()
        }
    }

    private static func checkTerms(
        _ segment: SegmentReader, _ pace: () throws(StorageError) -> Void
    ) throws(StorageError) {
        var reader = PostingListReader()
        var grams = segment.grams.iterator()
        var count = 0
        var previous: UInt64?
        let base = CharacterBase()
        while try grams.next() {
            if let previous, grams.key <= previous { throw segment.postings.corrupt(0, "grams out of order") }
            previous = grams.key
            base.enter(grams.key)
            try pace()
            try check(grams.info, segment, GramKey.field(grams.key), base, &reader)
            count += 1
        }
        guard count == segment.grams.termCount else { throw segment.postings.corrupt(0, "\(count) grams") }
        var words = segment.words.iterator()
        var last: [UInt8]?
        count = 0
        while try words.next() {
            if let last, !last.lexicographicallyPrecedes(words.key) {
                throw segment.postings.corrupt(0, "words out of order")
            }
            last = words.key
            try pace()
            try check(words.info, segment, Int(words.key[0]) << 8 | Int(words.key[1]), base, &reader)
            count += 1
        }
        guard count == segment.words.termCount else { throw segment.postings.corrupt(0, "\(count) words") }
    }

    private static func check(
        _ info: TermInfo, _ segment: SegmentReader, _ field: Int, _ base: CharacterBase,
        _ reader: inout PostingListReader
    ) throws(StorageError) {
        var documents = 0
        let lengths = try segment.lengths(field)
        try reader.read(info, segment.postingSource, base: base.documents, lengths) {
            (block) throws(StorageError) in
            documents += block.count
            if !info.hasPositions { base.add(block) }
            let sum = (0..<block.count).reduce(0) { $0 + Int(block.frequencies[$1]) }
            guard sum * info.occurrences.valueCount == block.positionCount else {
                throw segment.positions.corrupt(info.positionsOffset, "\(block.positionCount) positions of \(sum)")
            }
        }
        if !info.isRanked { try segment.postingSource.checkHead(info) }
        guard documents == info.documentFrequency else {
            throw segment.postings.corrupt(info.postingsOffset, "\(documents) documents of \(info.documentFrequency)")
        }
    }

    private static func checkDocuments(
        _ segment: SegmentReader, _ pace: (_ byteCount: Int) throws(StorageError) -> Void
    ) throws(StorageError) {
        let store = segment.documents
        let keys = segment.keys
        var cache = DocumentBlockCache()
        var count: UInt32 = 0
        for block in 0..<store.blockCount {
            try pace(store.byteCount / store.blockCount)
            try store.forEach(inBlock: block, &cache) { (document, bytes) throws(StorageError) in
                var reader = try EncodedDocumentReader(bytes, file: segment.file)
                guard document == count else {
                    throw .corrupt(file: segment.file, offset: 0, reason: "document \(document) instead of \(count)")
                }
                var isFound = false
                try keys.find(reader.key, hash: KeyHash.hash(reader.key)) { found in
                    isFound = isFound || found == document
                    return !isFound
                }
                guard isFound else {
                    throw .corrupt(
                        file: segment.file, offset: 0, reason: "document \(document) is not found by its key")
                }
                while let field = try reader.next() {
                    guard field.number < segment.meta.fieldNames.count else {
                        throw .corrupt(file: segment.file, offset: 0, reason: "field number \(field.number)")
                    }
                }
                count += 1
            }
        }
        guard Int(count) == segment.meta.documentCount else {
            throw .corrupt(file: segment.file, offset: 0, reason: "\(count) stored documents")
        }
    }
}
