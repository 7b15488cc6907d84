// Compressed requests, and long replies that were made on the event loop.
//
// 1. A request that is short decompressed is decoded at once. Of a long one the stream opens at once, in its place among the
//    others; it is decompressed and decoded on a worker, in memory that is taken for it before, and goes on from there.
// 2. Replies are compressed by the worker that makes them, pages of an export by the task that does, batches of an import
//    decompressed by the worker that hands them to the index. A long reply that was made here hops to a worker.

import CoreMetrics
import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

extension ConnectionHandler {
    func countSaved(_ payload: FramePayload) {
        if payload.isCompressed {
            server.metrics.savedBytes.increment(by: payload.contentByteCount - payload.bytes.count)
        }
    }

    // MARK: Requests

    /// The request in a payload; nil when a worker has yet to decompress it.
    func request(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer
    ) throws(SakuinError) -> WireRequest? {
        guard header.isCompressed else { return try WireCodec.decodeRequest(payload) }
        let payload = FramePayload(header, payload)
        countSaved(payload)
        guard payload.contentByteCount > FramePayload.quickByteCountMax else {
            return try payload.decoded(WireCodec.decodeRequest)
        }
        try decompress(header.stream, payload)
        return nil
    }

    private func decompress(_ stream: UInt32, _ payload: FramePayload) throws(SakuinError) {
        guard let context else { return }
        let memory = try server.catalog.requestMemory(byteCount: payload.contentByteCount)
        guard server.work.admit(1) == 1 else { throw busy() }
        streams[stream] = .opening
        let received = NIODeadline.now()
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        server.work.run(1) {
            let result = Result { () throws(SakuinError) in try payload.decoded(WireCodec.decodeRequest) }
            loop.execute {
                handler.value.opened(
                    stream, result.map { PendingCall(stream: stream, request: $0, received: received, memory: memory) })
            }
        }
    }

    private func opened(_ stream: UInt32, _ result: Result<PendingCall, SakuinError>) {
        // Given up meanwhile, or the connection has ended.
        guard case .opening? = streams[stream], let bearer else { return }
        streams[stream] = nil
        do throws(SakuinError) {
            let call = try result.get()
            if call.request.call.isStreaming {
                // What streams would have come before it was known that there is one.
                throw .invalid(
                    "The request of a streaming call is too long.", field: "length",
                    limit: FramePayload.quickByteCountMax,
                    nextStep: "Send it without compression.")
            }
            if try begin(stream, call.request, bearer) { carryOut([call]) }
            if isDraining { endWaiting() }
        } catch {
            refuse(stream, error)
        }
        flush()
        closeWhenDrained()
    }

    // MARK: Replies

    /// Whether it takes too long to compress on the event loop.
    func isLong(_ payload: ReplyGatherer.Payload) -> Bool {
        guard compression != nil, case .reply(let plain, _) = payload else { return false }
        return plain.contentByteCount > FramePayload.quickByteCountMax
    }

    /// Has a worker compress the reply; it is sent then, if the stream is still open.
    func compress(_ stream: UInt32, _ payload: ReplyGatherer.Payload) {
        guard let context else { return }
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let compression = compression
        server.work.run(0) {
            let compressed = payload.compressed(by: compression)
            loop.execute { handler.value.send([(stream, compressed)]) }
        }
    }
}

extension WireCall {
    fileprivate var isStreaming: Bool {
        switch self {
        case .importStream, .export: true
        default: false
        }
    }
}
