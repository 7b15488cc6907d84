// Calls without streaming.
//
// 1. Searches at the head of a read burst that take next to no time are answered on the event loop.
// 2. A call for a sequence number that cannot be seen yet waits as a value, with a timer of the event loop; it takes no
//    thread and no place in the queue. CANCEL, the end of the connection and shutdown end it.
// 3. The others, and those that have waited, go to the workers, as many as there are places for.

import CoreMetrics
import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

/// A call on its way to the workers.
struct PendingCall {
    let stream: UInt32
    let request: WireRequest
    /// When it came: its deadline counts from here.
    let received: NIODeadline
    /// Of a request that was long decompressed.
    var memory: RequestMemory?
    /// Ends the search or deletion by query, if it is one, when the stream is given up.
    let cancellation = SearchCancellation()
}

extension ConnectionHandler {
    /// Deals with the calls of a read burst that were not given up in it.
    func dispatch(_ burst: [(stream: UInt32, request: WireRequest)]) {
        let burst = burst.filter { streams[$0.stream] != nil }
        let answered = answerQuickly(burst)
        if answered == burst.count { return }
        let received = NIODeadline.now()
        carryOut(burst[answered...].map { PendingCall(stream: $0.stream, request: $0.request, received: received) })
    }

    /// Hands calls to the workers, but those that have to wait.
    func carryOut(_ calls: [PendingCall]) { admit(calls.filter { !waitIfNeeded($0) }) }

    /// Answers searches at the head of the burst here, as far as the time of the event loop that one burst may take
    /// goes; the first that takes longer goes to the workers with what is behind it. Returns how many were answered.
    private func answerQuickly(_ burst: [(stream: UInt32, request: WireRequest)]) -> Int {
        var left = Self.quickNanoseconds
        var began = NIODeadline.now()
        var answered = 0
        for (stream, request) in burst {
            guard left > 0, let result = server.router.runIfQuick(request.call, withinNanoseconds: left) else { break }
            finish(stream, result)
            answered += 1
            let now = NIODeadline.now()
            left -= min(left, UInt64(clamping: (now - began).nanoseconds))
            began = now
        }
        return answered
    }

    /// Time of the event loop for the searches of a burst: what is longer is worth a hop, and the other connections of the
    /// loop wait for no longer.
    private static let quickNanoseconds: UInt64 = 200_000

    // MARK: Waiting

    /// Has a call wait until what it wants to read can be seen; false when it need not.
    private func waitIfNeeded(_ call: PendingCall) -> Bool {
        guard let context, let (index, moment) = server.router.awaited(by: call.request.call) else { return false }
        let limit = moment.waitLimit(callLimitMilliseconds: call.request.deadlineMilliseconds)
        let stream = call.stream
        if limit == 0 {
            finish(stream, .failure(index.notVisible(moment.minSequence, afterMilliseconds: 0)))
            return true
        }
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let ticket = index.whenVisible(moment.minSequence) { result in
            loop.execute { handler.value.goOn(stream, result.map { _ in }) }
        }
        let timer = loop.scheduleTask(in: .milliseconds(Int64(limit))) {
            handler.value.goOn(
                stream, .failure(index.notVisible(moment.minSequence, afterMilliseconds: limit)))
        }
        streams[stream] = .waiting(WaitingCall(call: call, index: index, ticket: ticket, timer: timer))
        return true
    }

    /// A call has waited long enough: it is answered, or told why not.
    private func goOn(_ stream: UInt32, _ result: Result<Void, SakuinError>) {
        guard case .waiting(let waiting)? = streams[stream] else { return }
        waiting.end()
        switch result {
        case .success:
            streams[stream] = .unary
            admit([waiting.call])
        case .failure(let error): finish(stream, .failure(error))
        }
        flush()
        closeWhenDrained()
    }

    /// The server is about to stop: what a waiting call waits for would come too late.
    func endWaiting() {
        for (stream, state) in streams {
            guard case .waiting = state else { continue }
            goOn(stream, .failure(SakuinError(.unavailable, "The server is shutting down.", nextStep: "Try again.")))
        }
    }

    // MARK: Workers

    /// Hands calls to the workers; those that there is no place for are refused.
    private func admit(_ calls: [PendingCall]) {
        if calls.isEmpty { return }
        let granted = server.work.admit(calls.count)
        for call in calls[granted...] { finish(call.stream, .failure(busy())) }
        if granted > 0 { run(Array(calls[..<granted])) }
    }

    /// Counts a call that there is no place for; what it is told.
    func busy() -> SakuinError {
        server.metrics.refused.increment()
        return SakuinError(
            .resourceExhausted, "The server is busy.", field: "queueCountMax",
            limit: "\(server.configuration.queueCountMax)", nextStep: "Try again a little later.",
            retryAfterMilliseconds: 20)
    }

    private func run(_ calls: [PendingCall]) {
        guard let context else { return server.work.giveBack(calls.count) }
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let router = server.router
        for call in calls {
            switch call.request.call {
            case .search, .deleteMatching: streams[call.stream] = .heeding(call.cancellation)
            default: break
            }
        }
        let byteCountMax = clientFrameByteCountMax
        let compression = compression
        server.work.run(calls.count) {
            let replies = ReplyGatherer(count: calls.count, byteCountMax: byteCountMax, compression: compression) {
                batch in
                loop.execute { handler.value.send(batch) }
            }
            for call in calls {
                if let request = call.requestNow() {
                    router.run(request, replyByteCountMax: byteCountMax, call.cancellation) {
                        replies.add(call.stream, $0, $1)
                    }
                } else {
                    let late = SakuinError(.deadlineExceeded, "The deadline passed before a worker was free.")
                    replies.add(call.stream, .failure(late))
                }
            }
            replies.flush()
        }
    }

    /// Answers streams that are still open, with one flush.
    func send(_ replies: [(stream: UInt32, result: ReplyGatherer.Payload)]) {
        for (stream, payload) in replies where streams.removeValue(forKey: stream) != nil { append(stream, payload) }
        flush()
        closeWhenDrained()
    }
}

extension PendingCall {
    /// The request with what is left of its deadline; nil when that has passed.
    fileprivate func requestNow() -> WireRequest? {
        if request.deadlineMilliseconds == 0 { return request }
        let left = Int64(request.deadlineMilliseconds) - (NIODeadline.now() - received).nanoseconds / 1_000_000
        if left <= 0 { return nil }
        var request = request
        request.deadlineMilliseconds = UInt32(clamping: left)
        return request
    }
}
