extension Journal {
    /// Adds a batch; in memory until `flush`.
    func append(_ batch: EncodedBatch, sequence: UInt64) throws(StorageError) {
        try batch.withBytes { (bytes) throws(StorageError) in try append(sequence: sequence, batch: bytes) }
    }
}
