// Refreshes and commits: tickets through all lanes, and the thread that publishes what the lanes bring.

extension IndexWriter {
    func open(_ cuts: [Cut]) {
        let commits = cuts.contains { $0.commits }
        for cut in cuts { if let watch = cut.watch { watches.change { $0.begin(watch) } } }
        let (sequence, byteCount) = queue.change { queue -> (UInt64, Int) in
            queue.ticketIsOpen = true
            let byteCount = commits ? queue.uncommittedByteCount : 0
            queue.pendingSince = nil
            queue.pendingByteCount = 0
            queue.lastCutSequence = queue.sequence
            if commits {
                queue.lastCommitSequence = queue.sequence
                queue.uncommittedSince = nil
                // A commit that was asked for may come before the one before it is done.
                queue.committingByteCount += byteCount
                queue.uncommittedByteCount = 0
            }
            return (queue.sequence, byteCount)
        }
        do throws(StorageError) {
            if commits, options.keepsJournal {
                try journal?.rotate(firstSequence: sequence + 1, recentKeys: recentKeys.read { $0.encode() })
            }
        } catch {
            fail(error, during: "starting a journal file")
            for cut in cuts { cut.completion(.failure(failureOrInternal)) }
            return
        }
        let ticket = RefreshTicket(
            sequence: sequence, commits: commits, committingByteCount: byteCount, laneCount: lanes.count)
        for lane in lanes { lane.enqueue(ticket) }
        publisherQueue.change { $0.tickets.append((ticket, cuts.map(\.completion))) }
    }

    func publishLoop() {
        // What a ticket could not bring is missing in front of all later ones.
        var hasGap = false
        while true {
            let next = publisherQueue.wait { queue -> (RefreshTicket, [Completion])?? in
                if !queue.tickets.isEmpty { return .some(queue.tickets.removeFirst()) }
                return queue.isClosing ? .some(nil) : nil
            }
            guard let (ticket, completions) = next ?? nil else { return }
            let began = Clock.nanoseconds()
            let parts = ticket.collect()
            let result = publish(ticket, parts, began: began, hasGap: &hasGap)
            noteGap()
            queue.change { queue in
                queue.ticketIsOpen = false
                queue.hasNews = true
            }
            for completion in completions { completion(result) }
            onPublish()
        }
    }

    private func publish(
        _ ticket: RefreshTicket, _ parts: RefreshTicket.State, began: UInt64, hasGap: inout Bool
    ) -> Result<UInt64, SakuinError> {
        if hasGap { return .failure(failureOrInternal) }
        do throws(StorageError) {
            hasGap = true
            if let error = parts.error { throw error }
            let resolving = MemoryHold(memory, KeyResolution.memoryByteCount(parts.sealed, parts.deletions))
            defer { withExtendedLifetime(resolving) {} }
            try store.publish(parts.sealed, parts.deletions, sequence: ticket.sequence)
            hasGap = false
            waiters.publish(ticket.sequence)
            // Under a steady load refreshing takes at most about a fifth of the time.
            let now = Clock.nanoseconds()
            queue.change { queue in
                let pause = max((now &- began) &* 4, UInt64(queue.pace.refreshPauseMilliseconds) * 1_000_000)
                queue.nextRefresh = now &+ pause
            }
            if ticket.commits {
                let covered = try store.commit()
                // Only now: a journal file that begins behind batches says that those are durable.
                if !options.keepsJournal {
                    try journal?.rotate(firstSequence: covered + 1, recentKeys: recentKeys(upTo: covered))
                }
                journal?.removeFiles(coveredBy: covered)
                let bytes = journal?.byteCount ?? 0
                queue.change { queue in
                    queue.journalByteCount = bytes
                    queue.committingByteCount -= ticket.committingByteCount
                }
            }
            return .success(ticket.sequence)
        } catch {
            quarantine(error)
            fail(error, during: ticket.commits ? "committing" : "refreshing")
            return .failure(failureOrInternal)
        }
    }
}
