// One connection: a read burst in, one output buffer out.
//
// 1. Bytes become frames (`FrameReader`). The first must be HELLO; WELCOME answers it.
// 2. Searches of a read burst that take next to no time are answered on the event loop, since to hop to a worker and
//    back costs more than they do. The other requests hop there once; their replies come back together and are flushed
//    once.
// 3. Streaming calls keep their state here, on the event loop (`+Import`, `+Export`).
// 4. A client that does not read its replies is not read from either.

import CoreMetrics
import Logging
import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let server: ServerContext
    private var reader = FrameReader(lengthMax: FrameHeader.handshakeByteCountMax)
    private var isGreeted = false
    private var isDraining = false
    private var isBroken = false
    private var lastStream: UInt32 = 0
    var clientCredit: UInt32 = 0
    var streams: [UInt32: ServerStream] = [:]
    private var burst: [(stream: UInt32, request: WireRequest)] = []
    private var output = ByteBuffer()
    private var waitsForMemory = false
    var context: ChannelHandlerContext?

    init(_ server: ServerContext) { self.server = server }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        server.metrics.connections.increment()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelInactive(context: ChannelHandlerContext) {
        streams = [:]
        burst = []
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        server.logger.debug("connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isBroken { return }
        let buffer = unwrapInboundIn(data)
        do throws(WireError) {
            // The reader leaves while frames are handled, since handling touches this object.
            var reader = reader
            self.reader = FrameReader(lengthMax: 0)
            defer { self.reader = reader }
            let result: Result<Void, WireError> = buffer.withUnsafeReadableBytes { bytes in
                do throws(WireError) {
                    try reader.read(bytes) { (header, payload, lengthMax) throws(WireError) in
                        try handle(header, payload)
                        if isGreeted { lengthMax = Int(server.configuration.frameByteCountMax) }
                    }
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try result.get()
        } catch {
            fail(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        dispatchBurst()
        flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        follow(context)
        context.fireChannelWritabilityChanged()
    }

    /// Reads on while the client reads its replies and imports do not wait for memory.
    private func follow(_ context: ChannelHandlerContext) {
        let reads = context.channel.isWritable && !waitsForMemory
        context.channel.setOption(.autoRead, value: reads).whenFailure { _ in }
    }

    /// Reads nothing more for a moment, since there is little memory; what is under way could not be put anywhere.
    func waitForMemory() {
        guard let context, !waitsForMemory else { return }
        waitsForMemory = true
        follow(context)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(10)) { handler.value.goOn() }
    }

    private func goOn() {
        guard let context else { return }
        waitsForMemory = false
        follow(context)
    }

    // MARK: Frames in

    private func handle(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard isGreeted else { return try greet(header, payload) }
        switch header.kind {
        case .request: try open(header.stream, payload)
        case .data: try receive(header, payload)
        case .credit: try credit(header.stream, payload)
        case .cancel:
            streams[header.stream] = nil
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
        clientCredit = hello.streamCredit
        isGreeted = true
        let welcome = Welcome(
            version: version, server: server.name, frameByteCountMax: server.configuration.frameByteCountMax,
            streamCredit: server.configuration.streamCredit, streamCountMax: server.configuration.streamCountMax)
        append(.welcome, stream: 0, WireCodec.encode(welcome))
    }

    private func open(_ stream: UInt32, _ payload: UnsafeRawBufferPointer) throws(WireError) {
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
            let request = try WireCodec.decodeRequest(payload)
            switch request.call {
            case .importStream(let name, let acknowledge, let rejection):
                streams[stream] = .importing(
                    ImportStream(
                        index: try server.catalog.indexNow(name), acknowledge: acknowledge, rejection: rejection,
                        credit: ReceiveCredit(server.configuration.streamCredit)))
            case .export(let name, let token): try export(stream, name, token)
            default:
                streams[stream] = .unary
                burst.append((stream, request))
            }
        } catch {
            refuse(stream, error)
        }
    }

    func refuse(_ stream: UInt32, _ error: SakuinError) {
        server.metrics.errors.increment()
        append(.error, stream: stream, WireCodec.encode(error))
    }

    // MARK: Unary calls

    private func dispatchBurst() {
        if burst.isEmpty { return }
        answerQuickly()
        let all = burst
        burst = []
        if all.isEmpty { return }
        let granted = server.work.admit(all.count)
        for (stream, _) in all[granted...] {
            server.metrics.refused.increment()
            finish(
                stream,
                .failure(
                    SakuinError(
                        .resourceExhausted, "The server is busy.", field: "queueCountMax",
                        limit: "\(server.configuration.queueCountMax)", nextStep: "Try again a little later.",
                        retryAfterMilliseconds: 20)))
        }
        let (waiting, quick) = all[..<granted].partitioned { server.router.mayWait($0.request.call) }
        for item in waiting { run([item], mayWait: true) }
        if !quick.isEmpty { run(quick, mayWait: false) }
    }

    /// Answers searches at the head of the burst here, as far as the time of the event loop that one burst may take
    /// goes; the first that takes longer goes to the workers with what is behind it.
    private func answerQuickly() {
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
        burst.removeFirst(answered)
    }

    /// Time of the event loop for the searches of a burst: what is longer is worth a hop, and the other connections of the
    /// loop wait for no longer.
    private static let quickNanoseconds: UInt64 = 200_000

    private func run(_ requests: [(stream: UInt32, request: WireRequest)], mayWait: Bool) {
        guard let context else { return }
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let router = server.router
        let received = NIODeadline.now()
        server.work.run(requests.count, mayWait: mayWait) {
            let replies = ReplyGatherer(count: requests.count) { batch in
                loop.execute { handler.value.send(batch) }
            }
            for (stream, request) in requests {
                let limit = TimeAmount.milliseconds(Int64(request.deadlineMilliseconds))
                if request.deadlineMilliseconds > 0, NIODeadline.now() - received > limit {
                    let late = SakuinError(.deadlineExceeded, "The deadline passed before a worker was free.")
                    replies.add(stream, .failure(late))
                } else {
                    router.run(request) { replies.add(stream, $0) }
                }
            }
            replies.flush()
        }
    }

    /// Answers streams that are still open, with one flush.
    private func send(_ replies: [(stream: UInt32, result: ReplyGatherer.Payload)]) {
        for (stream, payload) in replies where streams.removeValue(forKey: stream) != nil {
            switch payload {
            case .reply(let bytes): append(.reply, stream: stream, bytes)
            case .error(let bytes):
                server.metrics.errors.increment()
                append(.error, stream: stream, bytes)
            }
        }
        flush()
        closeWhenDrained()
    }

    func finish(_ stream: UInt32, _ result: Result<WireReply, SakuinError>) {
        guard streams.removeValue(forKey: stream) != nil else { return }
        switch result {
        case .success(let reply): append(.reply, stream: stream, WireCodec.encode(reply))
        case .failure(let error): refuse(stream, error)
        }
    }

    // MARK: Frames out

    func append(_ kind: FrameHeader.Kind, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) {
        output.reserveCapacity(minimumWritableBytes: FrameHeader.byteCount + payload.count)
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.byteCount) { out in
            guard let base = out.baseAddress else { return 0 }
            FrameHeader(length: payload.count, kind: kind, flags: flags, stream: stream).write(to: base)
            return FrameHeader.byteCount
        }
        output.writeBytes(payload)
    }

    func flush() {
        guard let context, output.readableBytes > 0 else { return }
        let ready = output
        output = context.channel.allocator.buffer(capacity: 4096)
        context.writeAndFlush(wrapOutboundOut(ready), promise: nil)
    }

    /// The peer broke the contract: it is told why, and the connection ends.
    private func fail(_ error: WireError) {
        isBroken = true
        server.metrics.breaches.increment()
        streams = [:]
        append(.error, stream: 0, WireCodec.encode(error.sakuinError))
        flush()
        context?.close(promise: nil)
    }

    // MARK: Shutdown

    /// Tells the client to open no more streams and closes when the last has ended.
    func drain() {
        if isDraining { return }
        isDraining = true
        append(.goAway, stream: 0, WireCodec.encode(SakuinError(.unavailable, "The server is shutting down.")))
        flush()
        closeWhenDrained()
    }

    func closeWhenDrained() {
        if isDraining, streams.isEmpty { context?.close(promise: nil) }
    }
}

extension Collection {
    /// Those for which `belongsFirst` is true, and the others.
    fileprivate func partitioned(_ belongsFirst: (Element) -> Bool) -> ([Element], [Element]) {
        var (first, second): ([Element], [Element]) = ([], [])
        for element in self {
            if belongsFirst(element) { first.append(element) } else { second.append(element) }
        }
        return (first, second)
    }
}
