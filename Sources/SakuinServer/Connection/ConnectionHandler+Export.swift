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

    func credit(_ number: UInt32, _ payload: UnsafeRawBufferPointer) throws(WireError) {
        guard payload.count == 4 else { throw .badPayload(kind: FrameHeader.Kind.credit.rawValue) }
        guard case .exporting(var stream)? = streams[number] else { return }
        let more = UInt32(littleEndian: payload.loadUnaligned(as: UInt32.self))
        guard stream.credit.give(more) else { throw .overCredit(stream: number) }
        streams[number] = .exporting(stream)
        makePage(number)
    }
}
