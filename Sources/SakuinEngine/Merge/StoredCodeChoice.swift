/// The code that the stored documents of a merge get.
enum StoredCodeChoice {
    /// The code of the largest store, be it an input or `inIndex`, that of the largest segment of the index, when it has
    /// at least half as many bytes as the inputs: so segments come to share a code, and blocks made with it are copied.
    /// Else one trained on a sample: what is merged is the greater part of all there is. None for a small merge.
    static func choose(
        _ inputs: [MergeInput], inIndex: DocumentStore?, _ shares: MemoryShares
    ) throws(StorageError) -> StoredCode? {
        let stores = inputs.map { $0.segment.documents }
        let total = stores.reduce(0) { $0 + $1.byteCount }
        let isSmall = inputs.reduce(0) { $0 + $1.segment.meta.textByteCount } < SymbolTraining.worthByteCount
        let known = (stores + (isSmall ? [] : [inIndex].compactMap { $0 })).filter(\.hasDictionary)
        if let largest = known.max(by: { $0.byteCount < $1.byteCount }), largest.byteCount >= total / 2 {
            return try largest.code()
        }
        return isSmall ? nil : try train(stores, total, shares)
    }

    private static func train(
        _ stores: [DocumentStore], _ total: Int, _ shares: MemoryShares
    ) throws(StorageError) -> StoredCode? {
        guard let symbols = try symbols(stores, total, shares) else { return nil }
        // Its counts take six times as much; all of it takes the place of the counts of pairs.
        let sampleByteCount = min(SymbolTraining.sampleByteCount, shares.pairByteCount / 8)
        var sample = ByteWriter(capacity: sampleByteCount)
        // Documents become about half as long.
        try forEachSampled(stores, total, 2 * sampleByteCount) { bytes in
            if sample.count < sampleByteCount { symbols.encode(bytes, into: &sample) }
        }
        let byteCount = total / DictionaryTraining.storedByteCountPerByte
        return StoredCode(
            symbols: symbols,
            dictionary: sample.withBytes { DictionaryTraining.dictionary(of: $0, byteCount: byteCount) })
    }

    private static func symbols(
        _ stores: [DocumentStore], _ total: Int, _ shares: MemoryShares
    ) throws(StorageError) -> SymbolTable? {
        var training = SymbolTraining(pairCountMax: shares.pairCountMax)
        try forEachSampled(stores, total, SymbolTraining.sampleByteCount) { bytes in
            if training.byteCount < 2 * SymbolTraining.sampleByteCount { training.add(bytes) }
        }
        return training.table()
    }

    /// Hands out the documents of blocks that are evenly spread over all stores, some `sampleByteCount` bytes.
    private static func forEachSampled(
        _ stores: [DocumentStore], _ total: Int, _ sampleByteCount: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StorageError) {
        // Compressed bytes become about three times as many.
        let step = max(1, 3 * total / sampleByteCount)
        var number = 0
        for store in stores {
            var cache = DocumentBlockCache()
            for block in 0..<store.blockCount {
                number += 1
                guard number % step == 0 else { continue }
                try store.forEachStored(inBlock: block, &cache) { (_, bytes) in body(bytes) }
            }
        }
    }
}
