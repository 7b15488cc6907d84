// One connection: a read burst in, one output buffer out.
//
// 1. Bytes become frames (`FrameReader`). The first must be HELLO; WELCOME answers it.
// 2. Requests of one read burst that need a worker hop there once; their replies come back together and are flushed
//    once.
// 3. Streaming calls keep their state here, on the event loop.

import CoreMetrics
import Logging
import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: ServerContext
    private var reader = FrameReader(lengthMax: FrameHeader.handshakeByteCountMax)
    private var isGreeted = false
    private var isDraining = false
    private var isBroken = false
    private var lastStream: UInt32 = 0
    private var clientCredit: UInt32 = 0
    private var streams: [UInt32: ServerStream] = [:]
    private var burst: [(stream: UInt32, request: WireRequest)] = []
    private var output = ByteBuffer()
    private var context: ChannelHandlerContext?

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

    private func refuse(_ stream: UInt32, _ error: SakuinError) {
        server.metrics.errors.increment()
        append(.error, stream: stream, WireCodec.encode(error))
    }

    // MARK: Unary calls

    private func dispatchBurst() {
        if burst.isEmpty { return }
        let all = burst
        burst = []
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

    private func finish(_ stream: UInt32, _ result: Result<WireReply, SakuinError>) {
        guard streams.removeValue(forKey: stream) != nil else { return }
        switch result {
        case .success(let reply): append(.reply, stream: stream, WireCodec.encode(reply))
        case .failure(let error): refuse(stream, error)
        }
    }

    // MARK: Streaming in

    private func receive(_ header: FrameHeader, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        // Data of a stream that was given up meanwhile is dropped.
        guard case .importing(var stream)? = streams[header.stream] else { return }
        if stream.isEnded { throw .unexpected(kind: header.kind.rawValue) }
        if payload.isEmpty {
            guard header.isEnd else { throw .badPayload(kind: header.kind.rawValue) }
        } else {
            guard stream.credit.receive(payload.count) else { throw .overCredit(stream: header.stream) }
            stream.waiting.append(Array(payload))
        }
        stream.isEnded = header.isEnd
        streams[header.stream] = .importing(stream)
        encodeNext(header.stream)
        endImport(header.stream)
    }

    /// Hands the next batch of an import to a worker; one at a time, so that batches stay in order.
    private func encodeNext(_ number: UInt32) {
        guard case .importing(var stream)? = streams[number], !stream.isEncoding, !stream.waiting.isEmpty,
            let context
        else { return }
        let payload = stream.waiting.removeFirst()
        let batchNumber = stream.received
        stream.received += 1
        stream.isEncoding = true
        streams[number] = .importing(stream)
        server.metrics.importedBatches.increment()
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let (index, acknowledge, rejection) = (stream.index, stream.acknowledge, stream.rejection)
        server.work.run(0) {
            let settle: @Sendable (Result<WriteReceipt, SakuinError>) -> Void = { result in
                loop.execute { handler.value.settle(number, batchNumber, result, byteCount: payload.count) }
            }
            do throws(SakuinError) {
                index.submit(try Self.decode(payload, acknowledge, rejection), completion: settle)
            } catch {
                settle(.failure(error))
            }
            loop.execute { handler.value.encoded(number) }
        }
    }

    private static func decode(
        _ payload: [UInt8], _ acknowledge: AcknowledgementLevel, _ rejection: RejectionPolicy
    ) throws(SakuinError) -> WriteBatch {
        let result: Result<WriteBatch, SakuinError> = payload.withUnsafeBytes { bytes in
            do throws(SakuinError) {
                return .success(try WireCodec.decodeBatch(bytes, acknowledge: acknowledge, rejection: rejection))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func encoded(_ number: UInt32) {
        guard case .importing(var stream)? = streams[number] else { return }
        stream.isEncoding = false
        streams[number] = .importing(stream)
        encodeNext(number)
    }

    /// A batch has its receipt; receipts go out in the order of the batches.
    private func settle(
        _ number: UInt32, _ batch: Int, _ result: Result<WriteReceipt, SakuinError>, byteCount: Int
    ) {
        guard case .importing(var stream)? = streams[number] else { return }
        stream.receipts[batch] = (result, byteCount)
        while let (result, byteCount) = stream.receipts.removeValue(forKey: stream.acknowledged) {
            stream.acknowledged += 1
            switch result {
            case .success(let receipt):
                append(.data, stream: number, WireCodec.encode(receipt))
                if let credit = stream.credit.release(byteCount) {
                    append(.credit, stream: number, withUnsafeBytes(of: credit.littleEndian) { Array($0) })
                }
            case .failure(let error):
                // The stream ends here: what comes behind would be out of order.
                streams[number] = nil
                refuse(number, error)
                flush()
                return closeWhenDrained()
            }
        }
        streams[number] = .importing(stream)
        endImport(number)
        flush()
        closeWhenDrained()
    }

    private func endImport(_ number: UInt32) {
        guard case .importing(let stream)? = streams[number], stream.isEnded, stream.waiting.isEmpty,
            !stream.isEncoding, stream.acknowledged == stream.received
        else { return }
        finish(number, .success(.done))
    }

    // MARK: Streaming out

    private func export(_ number: UInt32, _ name: String, _ pointInTime: String?) throws(SakuinError) {
        guard let context else { return }
        let index = try server.catalog.indexNow(name)
        streams[number] = .unary
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        Task {
            do {
                let source = try await index.export(pointInTime: pointInTime)
                loop.execute { handler.value.beginExport(number, source) }
            } catch {
                let failure = error as? SakuinError ?? SakuinError(.internalError, "\(error)")
                loop.execute {
                    handler.value.finish(number, .failure(failure))
                    handler.value.flush()
                }
            }
        }
    }

    private func beginExport(_ number: UInt32, _ source: DocumentPages) {
        guard streams[number] != nil else { return }
        var stream = ExportStream(credit: SendCredit(clientCredit), pages: source)
        if !source.complete {
            let first = WireCodec.encode(WirePage([], missing: source.missing))
            stream.credit.spend(first.count)
            append(.data, stream: number, first)
        }
        streams[number] = .exporting(stream)
        makePage(number)
        flush()
    }

    private func makePage(_ number: UInt32) {
        guard case .exporting(var stream)? = streams[number], !stream.isMaking, stream.credit.canSend, let context
        else { return }
        stream.isMaking = true
        streams[number] = .exporting(stream)
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let source = stream.pages
        Task {
            let result: Result<[UInt8]?, SakuinError>
            do {
                result = .success(try await source.nextPage().map { WireCodec.encode(WirePage($0)) })
            } catch {
                result = .failure(error as? SakuinError ?? SakuinError(.internalError, "\(error)"))
            }
            loop.execute { handler.value.made(number, result) }
        }
    }

    private func made(_ number: UInt32, _ page: Result<[UInt8]?, SakuinError>) {
        guard case .exporting(var stream)? = streams[number] else { return }
        switch page {
        case .success(let payload?):
            stream.isMaking = false
            stream.credit.spend(payload.count)
            streams[number] = .exporting(stream)
            append(.data, stream: number, payload)
            makePage(number)
        case .success(nil): finish(number, .success(.done))
        case .failure(let error): finish(number, .failure(error))
        }
        flush()
        closeWhenDrained()
    }

    private func credit(_ number: UInt32, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard payload.count == 4 else { throw .badPayload(kind: FrameHeader.Kind.credit.rawValue) }
        guard case .exporting(var stream)? = streams[number] else { return }
        let more = UInt32(littleEndian: payload.loadUnaligned(as: UInt32.self))
        guard stream.credit.give(more) else { throw .overCredit(stream: number) }
        streams[number] = .exporting(stream)
        makePage(number)
    }

    // MARK: Frames out

    private func append(_ kind: FrameHeader.Kind, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) {
        output.reserveCapacity(minimumWritableBytes: FrameHeader.byteCount + payload.count)
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: FrameHeader.byteCount) { out in
            guard let base = out.baseAddress else { return 0 }
            FrameHeader(length: payload.count, kind: kind, flags: flags, stream: stream).write(to: base)
            return FrameHeader.byteCount
        }
        output.writeBytes(payload)
    }

    private func flush() {
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

    private func closeWhenDrained() {
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
