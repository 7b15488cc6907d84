import CoreMetrics
import SakuinEngine
import SakuinProtocol
import SakuinTypes

/// Calls to the engine. Quick calls are answered on the worker that takes them, the others by their completion: those that
/// wait for the disk from threads of their own, of which there are a few, those that wait for other threads of the engine
/// from the cooperative pool, which they do not keep.
struct RequestRouter: Sendable {
    let catalog: IndexCatalog
    let metrics: ServerMetrics
    let diskWork: WorkQueue
    /// Of `diskWork`, for errors.
    let diskCallCountMax: Int

    /// Gets the result, and the memory of the documents in it, which the reply holds until it is on its way.
    typealias Completion = @Sendable (Result<WireReply, SakuinError>, ReplyMemory?) -> Void

    /// The moment that a call has to wait for, and the index whose writes bring it; nil when it can be answered now.
    func awaited(by call: WireCall) -> (index: SearchIndex, moment: ReadMoment)? {
        let (name, moment): (String, ReadMoment)
        switch call {
        case .search(let index, let request): (name, moment) = (index, request.moment)
        case .get(let index, _, let wanted): (name, moment) = (index, wanted)
        case .openPointInTime(let index, _, let wanted): (name, moment) = (index, wanted)
        default: return nil
        }
        guard moment.minSequence > 0, moment.pointInTime == nil, let index = try? catalog.indexNow(name),
            !index.isVisible(moment.minSequence)
        else { return nil }
        return (index, moment)
    }

    /// The reply to a search that is done within so many nanoseconds on the calling thread; nil for all others.
    func runIfQuick(_ call: WireCall, withinNanoseconds limit: UInt64) -> Result<WireReply, SakuinError>? {
        guard case .search(let name, let search) = call else { return nil }
        do throws(SakuinError) {
            let index = try catalog.indexNow(name)
            guard let response = try index.searchNow(search, withinNanoseconds: limit) else { return nil }
            metrics.searchTime.recordMicroseconds(response.tookMicroseconds)
            return .success(.search(response))
        } catch {
            return .failure(error)
        }
    }

    /// Carries out a call that does not stream, for a client that takes replies of at most so many bytes; `completion` is
    /// called once, on any thread. `cancellation` ends a search or a deletion by query.
    func run(
        _ request: WireRequest, replyByteCountMax: Int, _ cancellation: SearchCancellation,
        completion: @escaping Completion
    ) {
        do throws(SakuinError) {
            switch request.call {
            case .search(let name, let search):
                let index = try catalog.indexNow(name)
                let memory = index.replyMemory(byteCountMax: replyByteCountMax)
                let response = try index.searchNow(
                    search, limitMilliseconds: request.deadlineMilliseconds, reply: memory,
                    cancellation: cancellation)
                metrics.searchTime.recordMicroseconds(response.tookMicroseconds)
                completion(.success(.search(response)), memory)
            case .get(let name, let keys, let moment):
                let index = try catalog.indexNow(name)
                let memory = index.replyMemory(byteCountMax: replyByteCountMax)
                let fetched = try index.fetchNow(
                    keys, at: moment, limitMilliseconds: request.deadlineMilliseconds, reply: memory)
                completion(.success(.documents(fetched)), memory)
            case .deleteMatching(let name, let deletion):
                let index = try catalog.indexNow(name)
                let limit = request.deadlineMilliseconds
                Task { completion(await Self.delete(deletion, from: index, limit, cancellation), nil) }
            default: try runWithoutDocuments(request, completion: completion)
            }
        } catch {
            completion(.failure(error), nil)
        }
    }

    private func runWithoutDocuments(
        _ request: WireRequest, completion: @escaping Completion
    ) throws(SakuinError) {
        switch request.call {
        case .statistics(let name):
            var statistics = try catalog.indexNow(name).statisticsNow()
            statistics.name = name
            completion(.success(.statistics(statistics)), nil)
        case .openPointInTime(let name, let lease, let moment):
            let point = try catalog.indexNow(name).openPointInTimeNow(
                leaseMilliseconds: lease, at: moment, limitMilliseconds: request.deadlineMilliseconds)
            completion(.success(.pointInTime(point)), nil)
        case .closePointInTime(let name, let token):
            try catalog.indexNow(name).closePointInTimeNow(token)
            completion(.success(.done), nil)
        case .listIndexes: completion(.success(.indexes(catalog.listNow())), nil)
        case .write(let name, let batch):
            try catalog.indexNow(name).submit(batch) { completion($0.map { .receipt($0) }, nil) }
        case .listJobs(let name):
            completion(.success(.jobs(name.isEmpty ? catalog.jobsNow() : try jobs(name))), nil)
        case .createIndex, .dropIndex, .aliasIndex, .reopenIndex, .controlJob, .createSnapshot, .listSnapshots,
            .restoreSnapshot, .deleteSnapshot:
            guard diskWork.admit(1) == 1 else { throw busyWithDisk() }
            diskWork.run(1) { completion(waitForDisk(request.call), nil) }
        case .refresh, .commit, .segments, .compact, .startCompaction, .estimateCompaction, .startCheck:
            Task { completion(await suspend(request.call), nil) }
        case .search, .get, .deleteMatching, .importStream, .export:
            throw SakuinError(.internalError, "The call came to the wrong part of the router.")
        }
    }

    private static func delete(
        _ request: DeletionRequest, from index: SearchIndex, _ limitMilliseconds: UInt32,
        _ cancellation: SearchCancellation
    ) async -> Result<WireReply, SakuinError> {
        do {
            return .success(
                .deletion(
                    try await index.delete(
                        matching: request, limitMilliseconds: limitMilliseconds, cancellation: cancellation)))
        } catch {
            return .failure(error as? SakuinError ?? SakuinError(.internalError, "\(error)"))
        }
    }

    private func jobs(_ name: String) throws(SakuinError) -> [JobStatus] {
        try catalog.indexNow(name).jobsNow().map { named($0, name) }
    }

    private func named(_ status: JobStatus, _ name: String) -> JobStatus {
        var status = status
        status.index = name
        return status
    }

    private func busyWithDisk() -> SakuinError {
        metrics.refused.increment()
        return SakuinError(
            .resourceExhausted, "Too many calls wait for the disk.", field: "diskCallCountMax",
            limit: "\(diskCallCountMax)", nextStep: "Try again a little later.", retryAfterMilliseconds: 500)
    }

    /// Calls that keep their thread while they wait for the disk.
    private func waitForDisk(_ call: WireCall) -> Result<WireReply, SakuinError> {
        do throws(SakuinError) {
            switch call {
            case .createIndex(let name, let schema):
                try catalog.createNow(name, schema ?? .standard)
                return .success(.done)
            case .dropIndex(let name):
                try catalog.dropNow(name)
                return .success(.done)
            case .aliasIndex(let name, let target):
                try catalog.aliasNow(name, target)
                return .success(.done)
            case .reopenIndex(let name): return .success(.indexes([try catalog.reopenNow(name)]))
            case .controlJob(let name, let number, let action):
                return .success(.job(named(try catalog.indexNow(name).controlNow(job: number, action), name)))
            case .createSnapshot(let index, let name):
                return .success(.snapshot(try catalog.createSnapshotNow(of: index, name: name)))
            case .listSnapshots(let index): return .success(.snapshots(try catalog.listSnapshotsNow(of: index)))
            case .restoreSnapshot(let index, let name, let newName):
                return .success(.indexes([try catalog.restoreSnapshotNow(name, of: index, as: newName)]))
            case .deleteSnapshot(let index, let name):
                try catalog.deleteSnapshotNow(name, of: index)
                return .success(.done)
            case .search, .get, .deleteMatching, .statistics, .listIndexes, .listJobs, .write, .importStream, .export,
                .openPointInTime, .closePointInTime, .refresh, .commit, .segments, .compact, .startCompaction,
                .estimateCompaction, .startCheck:
                return .failure(SakuinError(.internalError, "The call came to the wrong part of the router."))
            }
        } catch {
            return .failure(error)
        }
    }

    /// Calls that wait for other threads of the engine, and keep none meanwhile.
    private func suspend(_ call: WireCall) async -> Result<WireReply, SakuinError> {
        do {
            switch call {
            case .refresh(let name): return .success(.sequence(try await catalog.index(name).refresh()))
            case .commit(let name): return .success(.sequence(try await catalog.index(name).commit()))
            case .segments(let name): return .success(.segments(try await catalog.index(name).segments()))
            case .compact(let name, let segments):
                return .success(.compaction(try await catalog.index(name).compact(segments: segments)))
            case .startCompaction(let name, let options):
                return .success(.job(named(try await catalog.index(name).startCompaction(options), name)))
            case .estimateCompaction(let name, let options):
                return .success(.estimate(try await catalog.index(name).estimateCompaction(options)))
            case .startCheck(let name, let rate):
                return .success(.job(named(try await catalog.index(name).startCheck(bytesPerSecond: rate), name)))
            case .search, .get, .deleteMatching, .statistics, .listIndexes, .listJobs, .write, .importStream, .export,
                .openPointInTime, .closePointInTime, .createIndex, .dropIndex, .aliasIndex, .reopenIndex, .controlJob,
                .createSnapshot, .listSnapshots, .restoreSnapshot, .deleteSnapshot:
                return .failure(SakuinError(.internalError, "The call came to the wrong part of the router."))
            }
        } catch {
            return .failure(error as? SakuinError ?? SakuinError(.internalError, "\(error)"))
        }
    }
}
