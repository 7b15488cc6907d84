// Exports: pages stream out as far as the client has given credit.

import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

extension ConnectionHandler {
    func export(_ number: UInt32, _ name: String, _ pointInTime: String?) throws(SakuinError) {
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
        guard case .exporting(let stream)? = streams[number], !stream.isMaking else { return }
        guard stream.credit.canSend else { return waitForCredit(number) }
        var making = stream
        making.isMaking = true
        streams[number] = .exporting(making)
        makePage(number, of: stream.pages)
    }

    private func makePage(_ number: UInt32, of source: DocumentPages) {
        guard let loop = context?.eventLoop else { return }
        let handler = NIOLoopBound(self, eventLoop: loop)
        let byteCountMax = clientFrameByteCountMax
        let compression = compression
        Task {
            let result = await source.nextFrames(byteCountMax: byteCountMax, compression)
            loop.execute { handler.value.made(number, result) }
        }
    }

    /// A client that gives no credit for long has forgotten the export, which keeps old files on the disk.
    private func waitForCredit(_ number: UInt32) {
        guard case .exporting(var stream)? = streams[number], let context else { return }
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let limit = server.configuration.exportIdleMilliseconds
        stream.idleTimer = context.eventLoop.scheduleTask(in: .milliseconds(limit)) {
            handler.value.endIdle(number, limit)
        }
        streams[number] = .exporting(stream)
    }

    private func endIdle(_ number: UInt32, _ milliseconds: Int64) {
        finish(
            number,
            .failure(
                SakuinError(
                    .deadlineExceeded, "The export got no credit for too long.", field: "credit",
                    limit: "\(milliseconds) ms", nextStep: "Read an export to its end, or cancel it.")))
        flush()
        closeWhenDrained()
    }

    private func made(_ number: UInt32, _ page: Result<[FramePayload]?, SakuinError>) {
        guard case .exporting(var stream)? = streams[number] else { return }
        switch page {
        case .success(let payloads?):
            stream.isMaking = false
            for payload in payloads {
                stream.credit.spend(payload.contentByteCount)
                append(.data, stream: number, payload)
            }
            streams[number] = .exporting(stream)
            makePage(number)
        case .success(nil): finish(number, .success(.done))
        case .failure(let error): finish(number, .failure(error))
        }
        flush()
        closeWhenDrained()
    }

    func credit(_ number: UInt32, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard payload.count == 4 else { throw .badPayload(kind: FrameHeader.Kind.credit.rawValue) }
        guard case .exporting(var stream)? = streams[number] else { return }
        let more = UInt32(littleEndian: payload.loadUnaligned(as: UInt32.self))
        guard stream.credit.give(more) else { throw .overCredit(stream: number) }
        stream.idleTimer?.cancel()
        stream.idleTimer = nil
        streams[number] = .exporting(stream)
        makePage(number)
    }
}

extension DocumentPages {
    /// The next page as payloads no longer than the client takes; nil at the end.
    fileprivate func nextFrames(
        byteCountMax: Int, _ compression: FrameCompression?
    ) async -> Result<[FramePayload]?, SakuinError> {
        do {
            guard let page = try await nextPage() else { return .success(nil) }
            return .success(try frames(page, byteCountMax: byteCountMax).map { $0.compressed(by: compression) })
        } catch {
            return .failure(error as? SakuinError ?? SakuinError(.internalError, "\(error)"))
        }
    }

    private func frames(_ page: [Document], byteCountMax: Int) throws(SakuinError) -> [FramePayload] {
        let payload = FramePayload(WireCodec.encode(WirePage(page)))
        if payload.contentByteCount <= byteCountMax { return [payload] }
        guard page.count > 1 else {
            var error = ReplyMemory.tooLong(payload.contentByteCount, limit: byteCountMax)
            error.message = "Document '\(page.first?.key ?? "")' is longer than the client takes."
            error.nextStep = "Use a client that takes longer frames."
            throw error
        }
        let middle = page.count / 2
        return try frames(Array(page[..<middle]), byteCountMax: byteCountMax)
            + frames(Array(page[middle...]), byteCountMax: byteCountMax)
    }
}
