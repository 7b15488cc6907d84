// Opening an index of a catalog again: after a failed disk was mended, after a repair, or by itself once a full disk has
// room again.

extension IndexCatalog {
    public func reopen(index name: String) async throws -> IndexListing {
        try await Self.onThread { () throws(SakuinError) in try self.reopenNow(name) }
    }

    /// Closes the index and opens it from its files, or opens one that could not be opened before. Meanwhile, which is as
    /// long as the replay of its journal, the index that is closed goes on to answer what reads, from what could be seen
    /// last, and refuses what writes. Points in time end with it.
    public func reopenNow(_ name: String) throws(SakuinError) -> IndexListing {
        let target = state.read { $0.aliases[name] ?? name }
        let folder = Self.folder(target)
        let reopening = SakuinError(
            .unavailable, "'\(target)' is being opened again.", field: "name", value: target,
            nextStep: "Try again a little later.", retryAfterMilliseconds: 200)
        let before = try state.change { (state) throws(SakuinError) -> SearchIndex? in
            try checkIdle(target, state)
            state.busy.insert(folder)
            if state.indexes[target] == nil { state.broken[target] = reopening }
            return state.indexes[target]
        }
        defer { state.change { _ = $0.busy.remove(folder) } }
        if let before {
            do throws(SakuinError) { try before.stop() } catch {
                // What keeps it from committing is why it is opened again; all that counts is in its journal.
                options.log?.write("warning", "Index '\(target)' was closed without a commit: \(error.message)")
            }
            before.writer.refuse(with: reopening)
        }
        defer { before?.retire() }
        do throws(SakuinError) {
            let index = try open(target)
            state.change { state in
                state.indexes[target] = index
                state.broken[target] = nil
            }
            return Self.listing(target, index)
        } catch {
            state.change { state in
                _ = state.indexes.removeValue(forKey: target)
                state.broken[target] = error
            }
            throw error
        }
    }

    /// Opens those indexes again that a full disk has stopped and for which there is room now.
    func reopenWhereThereIsRoom() {
        let stopped = state.read { state in
            if state.isClosed { return [String]() }
            let closed = state.broken.filter { IndexWriter.isFull($0.value) && disk.hasRoom(toReplay: 0) }
            return (state.indexes.filter { $0.value.canGoOn }.map(\.key) + closed.map(\.key)).sorted()
        }
        for name in stopped {
            do throws(SakuinError) {
                _ = try reopenNow(name)
                options.log?.write("info", "There is room on the disk again: index '\(name)' was opened again.")
            } catch {
                options.log?.write("warning", "Index '\(name)' could not be opened again: \(error.message)")
            }
        }
    }

    /// Looks once a second whether a full disk has room again, until the catalog is closed.
    func watch() {
        while state.wait(milliseconds: 1_000, { $0.isClosed ? true : nil }) == nil { reopenWhereThereIsRoom() }
    }
}

extension SearchIndex {
    /// Whether a full disk has stopped writes, and there is room now.
    var canGoOn: Bool {
        guard let failure = writer.failure, IndexWriter.isFull(failure) else { return false }
        let journals = (try? Journal.files(in: store.directory)) ?? []
        return disk.hasRoom(toReplay: journals.reduce(0) { $0 + ((try? store.directory.size($1)) ?? 0) })
    }
}
