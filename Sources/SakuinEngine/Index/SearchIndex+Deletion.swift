// Deletion by query.
//
// 1. A refresh makes visible what was acknowledged, and with its ticket a watch begins (`WriteWatch`).
// 2. A search of the snapshot marks what matches, a bit a document.
// 3. Batches of the marked documents' keys go through the one path of all writes, one after the other, and what the watch has
//    seen written is left out there. Behind each but the last is a refresh: lanes hold the deletions of one batch at a time.

extension SearchIndex {
    public func delete(matching request: DeletionRequest) async throws -> DeletionReceipt {
        let cancellation = SearchCancellation()
        return try await withTaskCancellationHandler {
            try await delete(matching: request, limitMilliseconds: 0, cancellation: cancellation)
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// The same; stops between two batches once all of it takes longer than `limitMilliseconds` (0: no limit), or when
    /// `cancellation` gives it up.
    public func delete(
        matching request: DeletionRequest, limitMilliseconds: UInt32, cancellation: SearchCancellation
    ) async throws -> DeletionReceipt {
        let deadline = limitMilliseconds == 0 ? 0 : Clock.nanoseconds() + UInt64(limitMilliseconds) * 1_000_000
        let call = DeletionCall(
            request: request, caller: cancellation,
            limit: Cancellation(deadlineNanoseconds: deadline, caller: cancellation))
        try check(request.search)
        try check(request)
        let watch = request.isDryRun ? nil : WriteWatch(memory)
        if watch != nil { try writer.watches.change { (watches) throws(SakuinError) in try watches.reserve() } }
        defer { writer.watches.change { $0.end(watch) } }
        try call.check()
        let snapshot = try await snapshot(beginning: watch)
        // The files of the snapshot are held for it.
        let reader = points.countExport()
        defer { withExtendedLifetime(reader) {} }
        let (matched, receipt) = try select(call, snapshot)
        guard let watch, matched.count > 0 else { return receipt }
        var keys = MatchedKeys(
            matched, snapshot.value.searchable, countMax: WriteBatch.operationCountMax,
            byteCountMax: memory.shares.batchByteCountMax / 2)
        return try await delete(&keys, call, watch, receipt)
    }

    /// Everything acknowledged so far, and nothing that `watch` gets to see.
    private func snapshot(beginning watch: WriteWatch?) async throws -> SharedSnapshot {
        try await withCheckedThrowingContinuation { continuation in
            // The publishing thread calls before it publishes anything else.
            writer.cut(commits: false, watch: watch) { [store] result in
                continuation.resume(with: result.map { _ in store.sharedSnapshot })
            }
        }
    }

    /// Refuses a query that deletes more than it seems to say.
    func check(_ request: DeletionRequest) throws(SakuinError) {
        let plan = try plan(request.search, proofs: .all, nil)
        if let text = plan.emptyText {
            throw .invalid(
                "'\(text.prefix(40))' has no letter or digit, so it cannot say what is to be deleted.", field: "query",
                value: String(text.prefix(40)), nextStep: "Quote it with what stands beside it, or leave it out.")
        }
        guard plan.root.isEverything == true else { return }
        var trees = [try tree(request.query, mode: request.mode)]
        if let filter = request.filter { trees.append(try tree(filter, mode: .exact)) }
        guard trees.allSatisfy({ $0 == .all }) else {
            throw .invalid(
                "The query matches every document without saying so.", field: "query",
                nextStep: "Write *:* alone to delete every document, or drop the index.")
        }
    }

    /// Marks what matches.
    private func select(
        _ call: DeletionCall, _ snapshot: SharedSnapshot
    ) throws(SakuinError) -> (MatchedDocuments, DeletionReceipt) {
        let matched = MatchedDocuments(memory)
        do throws(SearchError) {
            let found = try answer(
                call.request.search, snapshot, nil, began: Clock.nanoseconds(), call.limit, isQuick: false,
                listener: matched)
            let receipt = DeletionReceipt(
                matched: matched.count, sequence: snapshot.value.sequence, level: call.request.acknowledge,
                notes: found?.notes ?? [])
            return (matched, receipt)
        } catch .storage(.cancelled) {
            throw call.stopped
        } catch {
            // A segment that cannot be read makes the index read-only.
            if case .storage(let damage) = error { quarantine(damage) }
            throw ErrorMapping.sakuinError(error)
        }
    }

    /// Deletes batch by batch. What keeps the first batch out is the caller's, as of any write; behind it a batch that there is
    /// no room for at the moment waits, as those of an import do.
    private func delete(
        _ keys: inout MatchedKeys, _ call: DeletionCall, _ watch: WriteWatch, _ found: DeletionReceipt
    ) async throws -> DeletionReceipt {
        var receipt = found
        do {
            while let batch = try next(&keys) {
                try call.check()
                let isFirst = receipt.deleted + receipt.skipped == 0
                let applied = try await write(batch, call, watch, waits: !isFirst)
                receipt.deleted += applied.operationCount
                receipt.skipped += batch.operationCount - applied.operationCount
                if applied.operationCount > 0 { receipt.sequence = applied.sequence }
                if !keys.isAtEnd { _ = try await refresh() }
            }
            return receipt
        } catch let error as SakuinError {
            throw Self.told(error, receipt)
        }
    }

    private func next(_ keys: inout MatchedKeys) throws(SakuinError) -> EncodedBatch? {
        do throws(StorageError) {
            return try keys.next()
        } catch {
            quarantine(error)
            throw ErrorMapping.sakuinError(error)
        }
    }

    private func write(
        _ batch: EncodedBatch, _ call: DeletionCall, _ watch: WriteWatch, waits: Bool
    ) async throws -> IndexWriter.Applied {
        while true {
            do {
                return try await offer(batch, call.request.acknowledge, watch)
            } catch let full as NoRoomNow {
                guard waits else { throw full.error }
                // Ends early when the task is cancelled.
                try? await Task.sleep(for: .milliseconds(Int(full.error.retryAfterMilliseconds ?? 50)))
                try call.check()
            }
        }
    }

    /// Throws `NoRoomNow` when there is no room at the moment.
    private func offer(
        _ batch: EncodedBatch, _ level: AcknowledgementLevel, _ watch: WriteWatch
    ) async throws -> IndexWriter.Applied {
        try await withCheckedThrowingContinuation { continuation in
            let refusal = writer.submit(batch, key: nil, level: level, watch: watch) {
                continuation.resume(with: $0)
            }
            switch refusal {
            case nil: break
            case .now(let error): continuation.resume(throwing: error)
            case .forNow(let error): continuation.resume(throwing: NoRoomNow(error: error))
            }
        }
    }

    /// An error that says what was deleted before it.
    private static func told(_ error: SakuinError, _ receipt: DeletionReceipt) -> SakuinError {
        if receipt.deleted == 0 { return error }
        var error = error
        error.message +=
            " Of \(receipt.matched) documents that matched \(receipt.deleted) were deleted before, up to sequence "
            + "\(receipt.sequence)."
        error.nextStep = (error.nextStep.map { $0 + " " } ?? "") + "Delete again: it goes on with what is left."
        return error
    }
}

/// What a deletion by query was asked for, and what ends it.
private struct DeletionCall: Sendable {
    let request: DeletionRequest
    let caller: SearchCancellation
    let limit: Cancellation

    func check() throws(SakuinError) {
        do throws(StorageError) { try limit.check() } catch { throw stopped }
    }

    var stopped: SakuinError {
        caller.isCancelled
            ? SakuinError(.cancelled, "Cancelled.")
            : SakuinError(
                .deadlineExceeded, "The deletion was stopped at its deadline.", nextStep: "Give it more time.")
    }
}

/// A batch was not taken for want of room.
private struct NoRoomNow: Error {
    let error: SakuinError
}
