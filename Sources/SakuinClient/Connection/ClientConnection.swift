import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SakuinAccess
import SakuinProtocol
import SakuinTypes

/// One connection with many streams; its handler lives on the event loop. Payloads are encoded and compressed by the tasks
/// that send them, and replies and pages decompressed by those that wait for them.
final class ClientConnection: Sendable {
    let channel: any Channel
    private let handler: NIOLoopBound<ClientHandler>
    /// What frames are compressed by.
    private let compression: FrameCompression?
    /// What the server heeds.
    private let features: [ProtocolFeature]
    /// The longest payload that the server takes.
    let frameByteCountMax: Int

    private let isLeaving: NIOLockedValueBox<Bool>

    private init(
        _ channel: any Channel, _ handler: NIOLoopBound<ClientHandler>, _ isLeaving: NIOLockedValueBox<Bool>,
        _ welcome: Welcome
    ) {
        self.channel = channel
        self.handler = handler
        self.isLeaving = isLeaving
        compression = welcome.compression
        features = welcome.features
        frameByteCountMax = Int(welcome.frameByteCountMax)
    }

    /// Whether it takes new calls. One that does not is left to its open streams, and ends behind them.
    var isActive: Bool { channel.isActive && !isLeaving.withLockedValue { $0 } }
    var loop: any EventLoop { channel.eventLoop }

    /// Connects and shakes hands; throws as `SakuinClient.connect` does.
    static func connect(
        _ configuration: SakuinClient.Configuration, _ loop: any EventLoop
    ) async throws -> ClientConnection {
        let address = configuration.address
        if case .unix = address, configuration.tls != nil {
            throw SakuinError.invalid(
                "TLS is not spoken over a Unix socket.", field: "tls", value: address,
                nextStep: "Connect without TLS: what passes there stays in the machine.")
        }
        let timeout = TimeAmount.milliseconds(configuration.connectTimeoutMilliseconds)
        let greeted = loop.makePromise(of: Welcome.self)
        do {
            let (channel, handler, isLeaving) = try await open(configuration, loop, greeted)
            let watch = loop.scheduleTask(in: timeout) {
                greeted.fail(
                    SakuinError(
                        .deadlineExceeded, "\(address) did not answer the handshake.", field: "server",
                        limit: "\(configuration.connectTimeoutMilliseconds) ms", value: "\(address)",
                        nextStep: "Make sure that sakuind is what listens there, and try again."))
            }
            defer { watch.cancel() }
            do {
                let welcome = try await greeted.futureResult.get()
                return ClientConnection(channel, handler, isLeaving, welcome)
            } catch {
                channel.close(promise: nil)
                throw error
            }
        } catch let error as SakuinError {
            throw error
        } catch {
            greeted.fail(error)
            throw ConnectionFailure.connecting(to: address, error)
        }
    }

    private typealias OpenedChannel = (
        channel: any Channel, handler: NIOLoopBound<ClientHandler>, isLeaving: NIOLockedValueBox<Bool>
    )

    private static func open(
        _ configuration: SakuinClient.Configuration, _ loop: any EventLoop, _ greeted: EventLoopPromise<Welcome>
    ) async throws -> OpenedChannel {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(configuration.connectTimeoutMilliseconds))
            .channelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 4096, initial: 65536, maximum: 1 << 20))
        switch configuration.address {
        case .tcp(let host, let port):
            let options = KeepAlive.options.reduce(bootstrap) { $0.channelOption($1.option, value: $1.value) }
            return try await options.channelOption(.socketOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls = configuration.tls {
                            try channel.pipeline.syncOperations.addHandler(try tls.handler(host: host))
                        }
                        return try addHandler(configuration, greeted, to: channel)
                    }
                }
        case .unix(let path):
            return try await bootstrap.connect(unixDomainSocketPath: path) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try addHandler(configuration, greeted, to: channel)
                }
            }
        }
    }

    private static func addHandler(
        _ configuration: SakuinClient.Configuration, _ greeted: EventLoopPromise<Welcome>, to channel: any Channel
    ) throws -> OpenedChannel {
        let handler = ClientHandler(
            greeted: greeted, server: configuration.address, token: configuration.token?.text ?? "",
            compressions: configuration.compresses ? FrameCompression.known : [])
        try channel.pipeline.syncOperations.addHandler(handler)
        return (channel, NIOLoopBound(handler, eventLoop: channel.eventLoop), handler.isLeaving)
    }

    func close() async { try? await channel.close().get() }

    /// Takes no new calls, and ends behind the open streams.
    func leave() {
        let handler = handler
        channel.eventLoop.execute { handler.value.leave() }
    }

    func onLoop<R: Sendable>(_ body: @escaping @Sendable (ClientHandler) throws -> R) async throws -> R {
        let handler = handler
        return try await channel.eventLoop.submit { try body(handler.value) }.get()
    }

    /// Throws `unimplemented` when the server is from before something that `call` asks for.
    func check(_ call: WireCall) throws(SakuinError) { try call.check(features) }

    /// The payload of a request; throws as `check` does, and for a call that no server would take.
    private func encoded(_ request: WireRequest) throws(SakuinError) -> [UInt8] {
        try request.call.validate()
        try check(request.call)
        return WireCodec.encode(request)
    }

    /// A call without streaming. Cancelling the task cancels the stream.
    func call(_ request: WireRequest) async throws -> WireReply {
        let payload = FramePayload(try encoded(request)).compressed(by: compression)
        let answer = try await answer(deadlineMilliseconds: request.deadlineMilliseconds) { $0.call(payload, $1) }
        switch answer {
        case .reply(let reply): return reply
        case .compressed(let payload): return try payload.decodedFromServer(WireCodec.decodeReply)
        }
    }

    /// The way to the server and back; a deadline of 0 is none.
    func ping(deadlineMilliseconds: UInt32) async throws {
        _ = try await answer(deadlineMilliseconds: deadlineMilliseconds) { $0.ping($1) }
    }

    /// Waits for the answer to what `send` sends, which returns the number it has in the handler.
    private func answer(
        deadlineMilliseconds: UInt32, _ send: @escaping @Sendable (ClientHandler, WaitingReply) -> UInt32
    ) async throws -> CallAnswer {
        let loop = channel.eventLoop
        let handler = handler
        let number = CallState()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let begin = { @Sendable in
                    let deadline: NIODeadline =
                        deadlineMilliseconds == 0
                        ? .distantFuture : .now() + .milliseconds(Int64(deadlineMilliseconds) + 500)
                    let sent = send(handler.value, WaitingReply(continuation: continuation, deadline: deadline))
                    if number.set(sent) { handler.value.cancel(sent, SakuinError(.cancelled, "Cancelled.")) }
                }
                // On the thread of the connection there is nothing to change threads for.
                if loop.inEventLoop { begin() } else { loop.execute(begin) }
            }
        } onCancel: {
            loop.execute {
                if let sent = number.cancel() {
                    handler.value.cancel(sent, SakuinError(.cancelled, "Cancelled."))
                }
            }
        }
    }

    func openImport(
        _ request: WireRequest, _ receipts: AsyncThrowingStream<WriteReceipt, any Error>.Continuation
    ) async throws -> UInt32 {
        let payload = try encoded(request)
        return try await onLoop { try $0.openImport(payload, receipts) }
    }

    func openExport(
        _ request: WireRequest, _ pages: AsyncThrowingStream<FramePayload, any Error>.Continuation
    ) async throws -> UInt32 {
        let payload = try encoded(request)
        return try await onLoop { [self] handler in
            let number = try handler.openExport(payload, pages)
            // Nobody reads the pages any more: the server keeps old files for them.
            pages.onTermination = { [self] end in if case .cancelled = end { cancel(number) } }
            return number
        }
    }

    /// Returns when the batch has been sent, which waits for credit. Cancelling the task takes back one that still waits; the
    /// stream stays open.
    func send(_ number: UInt32, _ content: [UInt8], isEnd: Bool) async throws {
        let payload = FramePayload(content).compressed(by: compression)
        let loop = channel.eventLoop
        let handler = handler
        let batch = CallState()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                loop.execute {
                    let waiting = handler.value.send(
                        number, WaitingBatch(payload: payload, isEnd: isEnd, continuation: continuation))
                    if batch.set(waiting) { handler.value.takeBack(waiting, of: number) }
                }
            }
        } onCancel: {
            loop.execute {
                if let waiting = batch.cancel() { handler.value.takeBack(waiting, of: number) }
            }
        }
    }

    func release(_ number: UInt32, _ byteCount: Int) {
        let handler = handler
        channel.eventLoop.execute { handler.value.release(number, UInt32(clamping: byteCount)) }
    }

    func cancel(_ number: UInt32) {
        let handler = handler
        channel.eventLoop.execute { handler.value.cancel(number, SakuinError(.cancelled, "Cancelled.")) }
    }
}

extension FramePayload {
    /// What `decode` makes of the content of a frame that a server sent.
    func decodedFromServer<R>(
        _ decode: (UnsafeRawBufferPointer) throws(SakuinError) -> R
    ) throws(SakuinError) -> R {
        do throws(SakuinError) {
            return try decoded(decode)
        } catch {
            var error = error
            error.message = "The server broke the protocol: \(error.message)"
            throw error
        }
    }
}
