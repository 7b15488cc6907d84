// Exports: pages stream out as far as the client has given credit, and reads them.
//
// 1. An export that has credit stands in a row with the others of its connection (`exportTurns`).
// 2. As long as the client reads what was sent, the first in the row has a page made, a few of them at once: credit is the
//    client's to give, so what a connection may hold of pages is not left to it.
// 3. One that cannot go on, for want of credit or since nobody reads, ends after a while, for it keeps old files on the disk.

import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

extension ConnectionHandler {
    func export(_ number: UInt32, _ name: String, _ pointInTime: String?) throws(SakuinError) {
        guard let context else { return }
        let index = try server.catalog.indexNow(name)
        streams[number] = .exporting(ExportStream(credit: SendCredit(clientCredit)))
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
                    handler.value.closeWhenDrained()
                }
            }
        }
    }

    private func beginExport(_ number: UInt32, _ source: DocumentPages) {
        // With the credit that has come meanwhile.
        guard case .exporting(var stream)? = streams[number] else { return }
        stream.pages = source
        if !source.complete {
            let first = WireCodec.encode(WirePage([], missing: source.missing))
            stream.credit.spend(first.count)
            append(.data, stream: number, first)
        }
        streams[number] = .exporting(stream)
        flush()
        queue(number)
    }

    /// Pages that may be in the making for a connection at once.
    static let exportPageCountMax = 4

    /// Puts an export that has credit in the row, and has pages made.
    private func queue(_ number: UInt32) {
        guard case .exporting(var stream)? = streams[number], stream.pages != nil else { return }
        if stream.step == .stands, stream.credit.canSend {
            stream.step = .waitsForTurn
            exportTurns.append(number)
            streams[number] = .exporting(stream)
            makePages()
        }
        endWhenIdle(number)
    }

    /// Has as many pages made as there may be now.
    func makePages() {
        while let context, context.channel.isWritable, exportPageCount < Self.exportPageCountMax,
            let number = exportTurns.popFirst()
        {
            // It may have ended while it stood in the row.
            guard case .exporting(var stream)? = streams[number], let pages = stream.pages else { continue }
            stream.idleTimer?.cancel()
            stream.idleTimer = nil
            stream.step = .makesPage
            streams[number] = .exporting(stream)
            exportPageCount += 1
            makePage(number, of: pages)
        }
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

    /// A client that gives no credit for long, or does not read, has forgotten the export, which keeps old files on the disk.
    private func endWhenIdle(_ number: UInt32) {
        guard case .exporting(var stream)? = streams[number], stream.step != .makesPage, stream.idleTimer == nil,
            let context
        else { return }
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
                    .deadlineExceeded, "The export got no credit, or was not read, for too long.", field: "credit",
                    limit: "\(milliseconds) ms", nextStep: "Read an export to its end, or cancel it.")))
        flush()
        closeWhenDrained()
    }

    private func made(_ number: UInt32, _ page: Result<[FramePayload]?, SakuinError>) {
        exportPageCount -= 1
        if case .exporting(var stream)? = streams[number] {
            switch page {
            case .success(let payloads?):
                stream.step = .stands
                for payload in payloads {
                    stream.credit.spend(payload.contentByteCount)
                    append(.data, stream: number, payload)
                }
                streams[number] = .exporting(stream)
            case .success(nil): finish(number, .success(.done))
            case .failure(let error): finish(number, .failure(error))
            }
        }
        // Whether the client reads is known when the page is with the channel.
        flush()
        queue(number)
        makePages()
        closeWhenDrained()
    }

    func credit(_ number: UInt32, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard payload.count == 4 else { throw .badPayload(kind: FrameHeader.Kind.credit.rawValue) }
        guard case .exporting(var stream)? = streams[number] else { return }
        let more = UInt32(littleEndian: payload.loadUnaligned(as: UInt32.self))
        guard stream.credit.give(more) else { throw .tooMuchCredit(stream: number) }
        stream.idleTimer?.cancel()
        stream.idleTimer = nil
        streams[number] = .exporting(stream)
        queue(number)
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
