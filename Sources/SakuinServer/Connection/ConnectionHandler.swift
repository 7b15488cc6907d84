// One connection: a read burst in, one output buffer out.
//
// 1. Bytes become frames (`FrameReader`). The first must be HELLO, with a token when one is asked for; WELCOME answers it.
//    What the token may do is compared with what each request needs before anything else is done for it.
// 2. Searches of a read burst that take next to no time are answered on the event loop, since to hop to a worker and
//    back costs more than they do. The other requests hop there once; their replies come back together and are flushed
//    once (`+Calls`). What a read burst has brought is answered and written with that of other connections
//    (`BurstAnswers`).
// 3. Streaming calls keep their state here, on the event loop (`+Import`, `+Export`).
// 4. A client that does not read its replies is not read from either, and no pages of exports are made for it.
// 5. Short frames are decompressed and compressed here, long ones on workers (`+Compression`).

import CoreMetrics
import Logging
import NIOCore
import SakuinAccess
import SakuinEngine
import SakuinProtocol
import SakuinTypes

final class ConnectionHandler: ChannelInboundHandler, BurstAnswerer {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let server: ServerContext
    private var reader = FrameReader(lengthMax: FrameHeader.handshakeByteCountMax)
    /// Who the client is; nil until it was greeted.
    private(set) var bearer: Bearer?
    /// Ends the connection when nobody has been greeted by then.
    private var patience: Scheduled<Void>?
    /// It is refused: there are as many connections as there may be.
    var isOneTooMany = false
    private(set) var isDraining = false
    private var isBroken = false
    private var lastStream: UInt32 = 0
    var clientCredit: UInt32 = 0
    /// The longest payload that the client takes.
    private(set) var clientFrameByteCountMax = FrameHeader.payloadByteCountMax
    /// What the frames of both sides may be compressed by.
    private(set) var compression: FrameCompression?
    var streams: [UInt32: ServerStream] = [:]
    /// Exports that have credit for a page, in the order of their turns, and how many pages are in the making (`+Export`).
    var exportTurns = CircularBuffer<UInt32>()
    var exportPageCount = 0
    private var burst: [(stream: UInt32, request: WireRequest)] = []
    private var output = ByteBuffer()
    /// Memory of the replies in `output`.
    private var outputMemory: [ReplyMemory] = []
    /// Writes since the drain began that have not left the process yet; those before leave before them.
    private var unsentCount = 0
    /// Why the connection is not read from, and for what (`+Memory`).
    var waitsForMemory = false
    var longFrame: LongFrame?
    var context: ChannelHandlerContext?

    init(_ server: ServerContext) { self.server = server }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        server.metrics.connections.increment()
        patience = context.eventLoop.assumeIsolated().scheduleTask(
            in: .seconds(Int64(server.configuration.handshakeSeconds))
        ) { self.giveUpGreeting() }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelInactive(context: ChannelHandlerContext) {
        patience?.cancel()
        forgetFrame()
        // Who sends and closes wants what was sent all the same: writes that were read go on, though nobody is told.
        answer()
        giveUpAll()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if bearer == nil, !isBroken, ServerTLS.isFailure(error) {
            isBroken = true
            server.refusedTLS(context.remoteAddress, "\(error)")
        } else {
            server.logger.debug("connection failed", metadata: ["error": "\(error)"])
        }
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isBroken { return }
        let buffer = unwrapInboundIn(data)
        // The reader leaves while frames are handled, since handling touches this object.
        var reader = reader
        self.reader = FrameReader(lengthMax: 0)
        var hadFrame = false
        let failure = buffer.withUnsafeReadableBytes { bytes in
            reader.failure(reading: bytes) { (header, payload, limits) throws(WireError) in
                hadFrame = true
                try handle(header, payload)
                guard bearer != nil else { return }
                limits = FrameLimits(
                    lengthMax: Int(server.configuration.frameByteCountMax), compression: compression)
            }
        }
        self.reader = reader
        if let failure { return fail(failure) }
        follow(frameByteCount: reader.pendingFrameByteCount, isAnother: hadFrame)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if !burst.isEmpty || output.readableBytes > 0 { server.bursts.add(self, context.eventLoop) }
    }

    func answer() {
        if burst.isEmpty { return }
        let ready = burst
        burst = []
        dispatch(ready)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        follow(context)
        makePages()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { endOpenImports() }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Frames in

    private func handle(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        if isBroken { return }
        guard let bearer else { return try greet(header, payload) }
        switch header.kind {
        case .request: try open(header, payload, bearer)
        case .data: try receive(header, payload)
        case .credit: try credit(header.stream, payload)
        case .cancel:
            giveUp(header.stream)
            closeWhenDrained()
        case .ping:
            guard payload.count <= 32 else { throw .tooLong(length: payload.count, limit: 32) }
            append(.pong, stream: 0, Array(payload))
        case .pong: break
        case .hello, .welcome, .reply, .error, .goAway: throw .unexpected(kind: header.kind.rawValue)
        }
    }

    private func greet(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard header.kind == .hello else { throw .unexpected(kind: header.kind.rawValue) }
        let hello: Hello
        do throws(SakuinError) {
            hello = try WireCodec.decodeHello(payload)
        } catch {
            throw .badPayload(kind: header.kind.rawValue)
        }
        let version = min(hello.versionMax, ProtocolVersion.max)
        guard version >= hello.versionMin, version >= ProtocolVersion.min else {
            throw .noCommonVersion(min: hello.versionMin, max: hello.versionMax)
        }
        guard let bearer = server.access.bearer(ofToken: hello.token) else { throw .unauthenticated }
        if isOneTooMany { return refuseConnection() }
        patience?.cancel()
        clientCredit = hello.streamCredit
        // A client that names no length takes what the protocol allows.
        if hello.frameByteCountMax > 0 {
            clientFrameByteCountMax = min(Int(hello.frameByteCountMax), FrameHeader.payloadByteCountMax)
        }
        self.bearer = bearer
        if server.configuration.compresses { compression = FrameCompression.chosen(of: hello.compressions) }
        let welcome = Welcome(
            version: version, server: server.name, frameByteCountMax: server.configuration.frameByteCountMax,
            streamCredit: server.configuration.streamCredit, streamCountMax: server.configuration.streamCountMax,
            compression: compression, features: ProtocolFeature.known)
        append(.welcome, stream: 0, WireCodec.encode(welcome))
    }

    private func open(
        _ header: FrameHeader, _ payload: UnsafeRawBufferPointer, _ bearer: Bearer
    ) throws(WireError) {
        let stream = header.stream
        guard stream > lastStream else { throw .streamReused(stream) }
        lastStream = stream
        server.metrics.requests.increment()
        if isDraining { return refuse(stream, SakuinError(.unavailable, "The server is shutting down.")) }
        guard streams.count < Int(server.configuration.streamCountMax) else {
            return refuse(
                stream,
                SakuinError(
                    .resourceExhausted, "Too many streams on the connection.", field: "streamCountMax",
                    limit: "\(server.configuration.streamCountMax)", nextStep: "Wait for replies.",
                    retryAfterMilliseconds: 10))
        }
        do throws(SakuinError) {
            guard let request = try request(header, payload) else { return }
            if try begin(stream, request, bearer) { burst.append((stream, request)) }
        } catch {
            refuse(stream, error)
        }
    }

    /// Opens the stream of a request, if the bearer may; true when its call is yet to be carried out.
    func begin(_ stream: UInt32, _ request: WireRequest, _ bearer: Bearer) throws(SakuinError) -> Bool {
        let access = CallAccess(request.call)
        try allow(access, bearer)
        switch request.call {
        case .importStream(let name, let acknowledge, let rejection):
            streams[stream] = .importing(
                ImportStream(
                    index: try server.catalog.indexNow(name), access: access, acknowledge: acknowledge,
                    rejection: rejection, credit: ReceiveCredit(server.configuration.streamCredit)))
            return false
        case .export(let name, let token):
            try export(stream, name, token)
            return false
        default:
            streams[stream] = .unary
            return true
        }
    }

    func allow(_ access: CallAccess, _ bearer: Bearer) throws(SakuinError) {
        do throws(SakuinError) {
            try access.check(bearer.role)
        } catch {
            server.metrics.denied.increment()
            throw error
        }
    }

    func refuse(_ stream: UInt32, _ error: SakuinError) {
        server.metrics.errors.increment()
        append(.error, stream: stream, WireCodec.encode(error))
    }

    func finish(_ stream: UInt32, _ result: Result<WireReply, SakuinError>) {
        guard streams[stream] != nil else { return }
        let payload = ReplyGatherer.Payload(result, byteCountMax: clientFrameByteCountMax)
        if isLong(payload) { return compress(stream, payload) }
        streams[stream] = nil
        append(stream, payload.compressed(by: compression))
    }

    /// The last frame of a stream.
    func append(_ stream: UInt32, _ payload: ReplyGatherer.Payload) {
        switch payload {
        case .reply(let payload, let memory):
            append(.reply, stream: stream, payload)
            if let memory { outputMemory.append(memory) }
        case .error(let bytes):
            server.metrics.errors.increment()
            append(.error, stream: stream, bytes)
        }
    }

    /// Nobody wants to know any more how a stream ends.
    private func giveUp(_ stream: UInt32) { streams.removeValue(forKey: stream)?.giveUp() }

    private func giveUpAll() {
        for stream in streams.values { stream.giveUp() }
        streams = [:]
    }

    // MARK: Frames out

    func append(_ kind: FrameHeader.Kind, stream: UInt32, _ payload: FramePayload) {
        countSaved(payload)
        append(kind, flags: payload.flags, stream: stream, payload.bytes)
    }

    func append(_ kind: FrameHeader.Kind, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) {
        output.reserveCapacity(minimumWritableBytes: FrameHeader.byteCount + payload.count)
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.byteCount) { out in
            FrameHeader(length: payload.count, kind: kind, flags: flags, stream: stream).write(to: out)
        }
        output.writeBytes(payload)
    }

    func flush() {
        guard let context, output.readableBytes > 0 else { return }
        let ready = output
        output = context.channel.allocator.buffer(capacity: 4096)
        if outputMemory.isEmpty, !isDraining {
            context.writeAndFlush(wrapOutboundOut(ready), promise: nil)
            return
        }
        let memory = outputMemory
        outputMemory = []
        let wasDraining = isDraining
        if wasDraining { unsentCount += 1 }
        context.writeAndFlush(wrapOutboundOut(ready)).assumeIsolated().whenComplete { _ in
            // Held until the bytes have left the process.
            withExtendedLifetime(memory) {}
            guard wasDraining else { return }
            self.unsentCount -= 1
            self.closeWhenDrained()
        }
    }

    private func giveUpGreeting() {
        if bearer != nil || isBroken { return }
        let seconds = server.configuration.handshakeSeconds
        end(
            SakuinError(
                .deadlineExceeded, "No HELLO came in time.", field: "handshakeSeconds", limit: "\(seconds)",
                nextStep: "Connect again."))
    }

    private func refuseConnection() {
        server.metrics.refused.increment()
        end(
            SakuinError(
                .resourceExhausted, "There are too many connections.", field: "connectionCountMax",
                limit: "\(server.configuration.connectionCountMax)", nextStep: "Share connections, or try again later.",
                retryAfterMilliseconds: 1_000))
    }

    /// The peer broke the contract.
    private func fail(_ error: WireError) {
        if error == .unauthenticated {
            server.refusedToken(context?.remoteAddress)
        } else {
            server.metrics.breaches.increment()
        }
        end(error.sakuinError)
    }

    /// The peer is told why, and the connection ends.
    func end(_ error: SakuinError) {
        isBroken = true
        giveUpAll()
        append(.error, stream: 0, WireCodec.encode(error))
        flush()
        context?.close(promise: nil)
    }

    /// The tokens are others now: who is not known any more is cut off, and the role may have changed.
    func readmit() {
        guard let known = bearer, !isBroken else { return }
        bearer = server.access.readmitted(known)
        guard let bearer else { return fail(.unauthenticated) }
        endImports(notAllowedTo: bearer)
    }

    // MARK: Shutdown

    /// Tells the client to open no more streams and closes when the last has ended.
    func drain() {
        if isDraining { return }
        isDraining = true
        // A client may send no more and still wait for replies. Before the drain its end is that of what it asked for.
        try? context?.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        append(.goAway, stream: 0, WireCodec.encode(SakuinError(.unavailable, "The server is shutting down.")))
        flush()
        endWaiting()
        closeWhenDrained()
    }

    /// Closes when the last stream has ended and what it ended with has left the process: closing drops what has not.
    func closeWhenDrained() {
        if isDraining, streams.isEmpty, output.readableBytes == 0, unsentCount == 0 { context?.close(promise: nil) }
    }
}
