/// The code that the stored documents of a merge get.
enum StoredTextTable {
    /// The table of an input that has at least half of the bytes, whose blocks can then be copied; else one trained on a
    /// sample; none for a small merge.
    static func choose(_ inputs: [MergeInput], _ shares: MemoryShares) throws(StorageError) -> SymbolTable? {
        let stores = inputs.map { $0.segment.documents() }
        let total = stores.reduce(0) { $0 + $1.byteCount }
        if let largest = stores.max(by: { $0.byteCount < $1.byteCount }), largest.table != nil,
            largest.byteCount >= total / 2
        {
            return largest.table
        }
        if inputs.reduce(0, { $0 + $1.segment.meta.textByteCount }) < SymbolTraining.worthByteCount { return nil }
        return try train(stores, total, shares)
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
