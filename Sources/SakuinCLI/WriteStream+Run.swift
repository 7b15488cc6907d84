// The way of an import from its first batch to its last receipt.

import SakuinClient

extension WriteStream {
    /// Sends what `feed` sends, then that this was all, and returns when the last receipt has come; each is given to
    /// `receipt` meanwhile.
    func run(
        _ feed: () async throws -> Void, receipt take: @escaping @Sendable (WriteReceipt) -> Void
    ) async throws {
        let receipts = receipts
        let taking = Task { for try await receipt in receipts { take(receipt) } }
        do {
            try await feed()
            try await finish()
        } catch {
            cancel()
            // When the server ended the import, its reason stands in the receipts.
            do {
                try await taking.value
            } catch let reason as SakuinError where reason.code != .cancelled {
                throw reason
            } catch {}
            throw error
        }
        try await taking.value
    }
}
