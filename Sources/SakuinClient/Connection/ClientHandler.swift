// The channel handler of the client: frames in, streams in flight.

import NIOConcurrencyHelpers
import NIOCore
import SakuinAccess
import SakuinProtocol
import SakuinTypes

final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Credit a server has on each stream of an export.
    static let streamCredit: UInt32 = 8 << 20

    private var reader = FrameReader(lengthMax: FrameHeader.handshakeByteCountMax)
    private(set) var context: ChannelHandlerContext?
    var streams: [UInt32: ClientStream] = [:]
    /// Numbers are not used twice; `.max` is none.
    var nextStream: UInt32 = 1
    private var welcome: Welcome?
    private var failure: SakuinError?
    /// Open streams go on, new ones want another connection: the server drains, or no stream number is left.
    let isLeaving = NIOLockedValueBox(false)
    private var willFlush = false
    /// The number of the batch that was queued last.
    private var lastBatch: UInt32 = 0
    /// The one timer for the deadlines of all calls (`+Calls`).
    var deadlineTimer: DeadlineTimer?
    private let greeted: EventLoopPromise<Welcome>

    /// Which server, for errors.
    private let server: ServerAddress
    private let token: String
    /// What is offered to the server.
    private let compressions: [FrameCompression]

    init(
        greeted: EventLoopPromise<Welcome>, server: ServerAddress, token: String, compressions: [FrameCompression]
    ) {
        self.greeted = greeted
        self.server = server
        self.token = token
        self.compressions = compressions
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        let hello = Hello(
            client: "sakuin-swift/0.1.0", frameByteCountMax: UInt32(FrameHeader.payloadByteCountMax),
            streamCredit: Self.streamCredit, token: token, compressions: compressions)
        write(.hello, stream: 0, WireCodec.encode(hello))
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(failure ?? ConnectionFailure.closed(server))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure =
            failure ?? ClientTLS.explain(error, host: server.host) ?? ConnectionFailure.broken(to: server, error)
        context.close(promise: nil)
    }

    /// Fails everything that waits.
    private func end(_ error: SakuinError) {
        failure = failure ?? error
        context = nil
        deadlineTimer?.task.cancel()
        deadlineTimer = nil
        greeted.fail(error)
        let open = streams
        streams = [:]
        for stream in open.values { Self.fail(stream, error) }
    }

    static func fail(_ stream: ClientStream, _ error: SakuinError) {
        switch stream {
        case .unary(let call), .ping(let call): call.continuation.resume(throwing: error)
        case .importing(let state):
            for batch in state.waiting { batch.continuation.resume(throwing: error) }
            state.receipts.finish(throwing: error)
        case .exporting(let state): state.pages.finish(throwing: error)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        var reader = reader
        self.reader = FrameReader(lengthMax: 0)
        let breach = buffer.withUnsafeReadableBytes { bytes in
            reader.failure(reading: bytes) { (header, payload, limits) throws(WireError) in
                try handle(header, payload)
                limits = FrameLimits(
                    lengthMax: FrameHeader.payloadByteCountMax, compression: welcome?.compression)
            }
        }
        self.reader = reader
        if let breach {
            failure = failure ?? ConnectionFailure.breach(breach, by: server, isGreeted: welcome != nil)
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    // MARK: Frames in

    private func handle(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        do throws(SakuinError) {
            switch header.kind {
            case .welcome:
                let answer = try WireCodec.decodeWelcome(payload)
                if let chosen = answer.compression, !compressions.contains(chosen) {
                    throw .invalid("The server compresses by what was not offered.", field: "compression")
                }
                welcome = answer
                greeted.succeed(answer)
            case .reply:
                finish(
                    header.stream,
                    header.isCompressed
                        ? .compressed(FramePayload(header, payload)) : .reply(try WireCodec.decodeReply(payload)))
            case .error: fail(header.stream, try WireCodec.decodeStatus(payload))
            case .data: try receive(header.stream, FramePayload(header, payload))
            case .credit: give(header.stream, payload)
            case .ping: write(.pong, stream: 0, Array(payload))
            case .pong: try pong(payload)
            case .goAway: leave()
            case .hello, .request, .cancel: throw SakuinError(.internalError, "unexpected frame")
            }
        } catch {
            throw .badPayload(kind: header.kind.rawValue)
        }
    }

    func finish(_ number: UInt32, _ answer: CallAnswer) {
        switch streams.removeValue(forKey: number) {
        case .unary(let call)?, .ping(let call)?: call.continuation.resume(returning: answer)
        case .importing(let state)?:
            for batch in state.waiting {
                batch.continuation.resume(throwing: SakuinError(.aborted, "The import ended."))
            }
            state.receipts.finish()
        case .exporting(let state)?: state.pages.finish()
        case nil: break
        }
        closeWhenLeft()
    }

    private func fail(_ number: UInt32, _ error: SakuinError) {
        if number == 0 {
            failure = failure ?? error
            context?.close(promise: nil)
        } else if let stream = streams.removeValue(forKey: number) {
            Self.fail(stream, error)
            closeWhenLeft()
        }
    }

    /// Streams that are open go on; the next call opens another connection.
    func leave() {
        isLeaving.withLockedValue { $0 = true }
        closeWhenLeft()
    }

    /// Behind the last stream the connection ends.
    func closeWhenLeft() {
        if streams.isEmpty, isLeaving.withLockedValue({ $0 }) { context?.close(promise: nil) }
    }

    private func receive(_ number: UInt32, _ payload: FramePayload) throws(SakuinError) {
        switch streams[number] {
        case .importing(let state)?: state.receipts.yield(try payload.decoded(WireCodec.decodeReceipt))
        case .exporting(let state)?: state.pages.yield(payload)
        case .unary?, .ping?, nil: break
        }
    }

    private func give(_ number: UInt32, _ payload: UnsafeRawBufferPointer) {
        guard payload.count == 4, case .importing(var state)? = streams[number] else { return }
        _ = state.credit.give(UInt32(littleEndian: payload.loadUnaligned(as: UInt32.self)))
        streams[number] = .importing(state)
        sendWaiting(number)
    }

    private func sendWaiting(_ number: UInt32) {
        guard case .importing(var state)? = streams[number] else { return }
        while let next = state.waiting.first, next.payload.bytes.isEmpty || state.credit.canSend {
            state.waiting.removeFirst()
            state.credit.spend(next.payload.contentByteCount)
            let end = next.isEnd ? FrameHeader.endFlag : 0
            write(.data, flags: end | next.payload.flags, stream: number, next.payload.bytes)
            next.continuation.resume()
        }
        streams[number] = .importing(state)
        context?.flush()
    }

    // MARK: Frames out

    func write(_ kind: FrameHeader.Kind, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) {
        guard let context else { return }
        var buffer = context.channel.allocator.buffer(capacity: FrameHeader.byteCount + payload.count)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.byteCount) { out in
            FrameHeader(length: payload.count, kind: kind, flags: flags, stream: stream).write(to: out)
        }
        buffer.writeBytes(payload)
        context.write(wrapOutboundOut(buffer), promise: nil)
        if kind != .data { flushSoon(context) }
    }

    /// Flushes behind the calls that wait for the loop already: many tasks that go on at once share one system call.
    private func flushSoon(_ context: ChannelHandlerContext) {
        guard !willFlush else { return }
        willFlush = true
        context.eventLoop.assumeIsolated().execute {
            self.willFlush = false
            self.context?.flush()
        }
    }

    /// Throws unless a stream can be opened with a request of so many bytes.
    @discardableResult
    func checkOpen(_ payloadByteCount: Int) throws(SakuinError) -> Welcome {
        let welcome = try checkPayload(payloadByteCount)
        if isLeaving.withLockedValue({ $0 }) {
            throw SakuinError(.unavailable, "The server is shutting down.", nextStep: "Try again.")
        }
        guard nextStream < .max else {
            leave()
            throw SakuinError(.unavailable, "The connection has no stream numbers left.", nextStep: "Try again.")
        }
        return welcome
    }

    /// Throws unless a payload of so many bytes can be sent, on a stream that is open or to be opened.
    @discardableResult
    private func checkPayload(_ byteCount: Int) throws(SakuinError) -> Welcome {
        if let failure { throw failure }
        guard let welcome, context != nil else { throw ConnectionFailure.closed(server) }
        guard byteCount <= Int(welcome.frameByteCountMax) else {
            throw SakuinError(
                .resourceExhausted, "The request is longer than the server takes.", field: "length",
                limit: "\(welcome.frameByteCountMax)", value: "\(byteCount)",
                nextStep: "Send smaller batches.")
        }
        return welcome
    }

    func takeNumber() -> UInt32 {
        defer { nextStream += 1 }
        return nextStream
    }

    func openStream(_ stream: ClientStream, _ payload: FramePayload) -> UInt32 {
        let number = takeNumber()
        streams[number] = stream
        write(.request, flags: payload.flags, stream: number, payload.bytes)
        return number
    }

    func openImport(
        _ payload: [UInt8], _ receipts: AsyncThrowingStream<WriteReceipt, any Error>.Continuation
    ) throws(SakuinError) -> UInt32 {
        let welcome = try checkOpen(payload.count)
        return openStream(
            .importing(ClientImport(credit: SendCredit(welcome.streamCredit), receipts: receipts)),
            FramePayload(payload))
    }

    func openExport(
        _ payload: [UInt8], _ pages: AsyncThrowingStream<FramePayload, any Error>.Continuation
    ) throws(SakuinError) -> UInt32 {
        try checkOpen(payload.count)
        return openStream(.exporting(ClientExport(pages: pages)), FramePayload(payload))
    }

    /// Queues a batch of an import; its continuation goes on when it has been sent. Returns its number, 0 when it failed at
    /// once.
    func send(_ number: UInt32, _ batch: WaitingBatch) -> UInt32 {
        do throws(SakuinError) {
            try checkPayload(batch.payload.contentByteCount)
            guard case .importing(var state)? = streams[number] else {
                throw SakuinError(.aborted, "The import has ended.")
            }
            lastBatch = lastBatch == .max ? 1 : lastBatch + 1
            var batch = batch
            batch.number = lastBatch
            state.waiting.append(batch)
            streams[number] = .importing(state)
            sendWaiting(number)
            return batch.number
        } catch {
            batch.continuation.resume(throwing: error)
            return 0
        }
    }

    /// Fails a batch that still waits for credit; it is not sent.
    func takeBack(_ batch: UInt32, of number: UInt32) {
        guard case .importing(var state)? = streams[number],
            let place = state.waiting.firstIndex(where: { $0.number == batch })
        else { return }
        let batch = state.waiting.remove(at: place)
        streams[number] = .importing(state)
        batch.continuation.resume(throwing: SakuinError(.cancelled, "Cancelled."))
        // What stood behind it may wait for nothing else.
        sendWaiting(number)
    }

    /// Tells the server that so many bytes of pages have been dealt with.
    func release(_ number: UInt32, _ byteCount: UInt32) {
        guard case .exporting? = streams[number] else { return }
        write(.credit, stream: number, withUnsafeBytes(of: byteCount.littleEndian) { Array($0) })
    }
}
