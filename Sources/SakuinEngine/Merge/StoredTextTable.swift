/// The code that the stored documents of a merge get.
enum StoredTextTable {
    /// The table of the largest store, be it an input or `inIndex`, that of the largest segment of the index, when it has
    /// at least half as many bytes as the inputs: so segments come to share a table, and blocks made with it are copied.
    /// Else one trained on a sample: what is merged is the greater part of all there is. None for a small merge.
    static func choose(
        _ inputs: [MergeInput], inIndex: DocumentStore?, _ shares: MemoryShares
    ) throws(StorageError) -> SymbolTable? {
        let stores = inputs.map { $0.segment.documents }
        let total = stores.reduce(0) { $0 + $1.byteCount }
        let isSmall = inputs.reduce(0) { $0 + $1.segment.meta.textByteCount } < SymbolTraining.worthByteCount
        let known = (stores + (isSmall ? [] : [inIndex].compactMap { $0 })).filter { $0.table != nil }
        if let largest = known.max(by: { $0.byteCount < $1.byteCount }), largest.byteCount >= total / 2 {
            return largest.table
        }
        return isSmall ? nil : try train(stores, total, shares)
    }

    /// Trains on blocks evenly spread over all stores.
    private static func train(
        _ stores: [DocumentStore], _ total: Int, _ shares: MemoryShares
    ) throws(StorageError) -> SymbolTable? {
        // Compressed bytes become about three times as many.
        let step = max(1, 3 * total / SymbolTraining.sampleByteCount)
        var training = SymbolTraining(pairCountMax: shares.pairCountMax)
        var number = 0
        for store in stores {
            var cache = DocumentBlockCache()
            for block in 0..<store.blockCount {
                number += 1
                guard number % step == 0, training.byteCount < 2 * SymbolTraining.sampleByteCount else { continue }
                try store.forEachStored(inBlock: block, &cache) { (_, bytes) in training.add(bytes) }
            }
        }
        return training.table()
    }
}
