import NIOCore
import SakuinProtocol
import SakuinTypes

/// What an open stream of a client connection waits for; only touched on the connection's event loop.
enum ClientStream {
    case unary(CheckedContinuation<WireReply, any Error>)
    case importing(ClientImport)
    case exporting(ClientExport)
}

/// A batch that waits for credit.
struct WaitingBatch {
    let payload: [UInt8]
    let isEnd: Bool
    let continuation: CheckedContinuation<Void, any Error>
}

struct ClientImport {
    var credit: SendCredit
    var waiting: [WaitingBatch] = []
    let receipts: AsyncThrowingStream<WriteReceipt, any Error>.Continuation
}

struct ClientExport {
    let pages: AsyncThrowingStream<[UInt8], any Error>.Continuation
}
