import CoreMetrics
import SakuinEngine
import SakuinProtocol
import SakuinTypes

/// Calls to the engine. `quick` calls are answered on the worker that takes them, the others by their completion.
struct RequestRouter: Sendable {
    let catalog: IndexCatalog
    let metrics: ServerMetrics

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
    /// called once, on any thread. `cancellation` ends a search.
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
                completion(.success(.documents(try index.fetchNow(keys, at: moment, reply: memory))), memory)
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
            let point = try catalog.indexNow(name).openPointInTimeNow(leaseMilliseconds: lease, at: moment)
            completion(.success(.pointInTime(point)), nil)
        case .closePointInTime(let name, let token):
            try catalog.indexNow(name).closePointInTimeNow(token)
            completion(.success(.done), nil)
        case .listIndexes: completion(.success(.indexes(catalog.listNow())), nil)
        case .write(let name, let batch):
            try catalog.indexNow(name).submit(batch) { completion($0.map { .receipt($0) }, nil) }
        case .listJobs(let name):
            completion(.success(.jobs(name.isEmpty ? catalog.jobsNow() : try jobs(name))), nil)
        case .createIndex, .dropIndex, .aliasIndex, .reopenIndex, .refresh, .commit, .segments, .compact,
            .startCompaction, .estimateCompaction, .startCheck, .controlJob, .createSnapshot, .listSnapshots,
            .restoreSnapshot,
            .deleteSnapshot:
            Task { completion(await slow(request.call), nil) }
        case .search, .get, .importStream, .export:
            throw SakuinError(.internalError, "The call came to the wrong part of the router.")
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

    /// Calls that wait for the disk: on the cooperative pool only as long as they do not block.
    private func slow(_ call: WireCall) async -> Result<WireReply, SakuinError> {
        do {
            switch call {
            case .createIndex(let name, let schema):
                try await catalog.create(index: name, schema: schema ?? .standard)
                return .success(.done)
            case .dropIndex(let name):
                try await catalog.drop(index: name)
                return .success(.done)
            case .aliasIndex(let name, let target):
                try await catalog.alias(name, to: target)
                return .success(.done)
            case .reopenIndex(let name): return .success(.indexes([try await catalog.reopen(index: name)]))
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
            case .controlJob(let name, let number, let action):
                return .success(.job(named(try await catalog.index(name).control(job: number, action), name)))
            case .createSnapshot(let index, let name):
                return .success(.snapshot(try await catalog.createSnapshot(of: index, name: name)))
            case .listSnapshots(let index): return .success(.snapshots(try await catalog.listSnapshots(of: index)))
            case .restoreSnapshot(let index, let name, let newName):
                return .success(.indexes([try await catalog.restoreSnapshot(name, of: index, as: newName)]))
            case .deleteSnapshot(let index, let name):
                try await catalog.deleteSnapshot(name, of: index)
                return .success(.done)
            case .search, .get, .statistics, .listIndexes, .listJobs, .write, .importStream, .export, .openPointInTime,
                .closePointInTime:
                return .failure(SakuinError(.internalError, "A quick call came to the slow router."))
            }
        } catch {
            return .failure(error as? SakuinError ?? SakuinError(.internalError, "\(error)"))
        }
    }
}
