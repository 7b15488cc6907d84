import NIOCore
import SakuinProtocol
import SakuinTypes

/// What an open stream of a client connection waits for; only touched on the connection's event loop.
enum ClientStream {
    case unary(WaitingReply)
    /// A PING; it takes a stream's number, which its PONG brings back.
    case ping(WaitingReply)
    case importing(ClientImport)
    case exporting(ClientExport)
}

/// A call that waits for its only answer.
struct WaitingReply {
    let continuation: CheckedContinuation<CallAnswer, any Error>
    /// When it is given up here; the server minds deadlines, so this is for a server that is gone.
    let deadline: NIODeadline
}

/// What answers a call.
enum CallAnswer: Sendable {
    case reply(WireReply)
    /// A reply that the task of the call decompresses, so that the event loop need not.
    case compressed(FramePayload)
}

/// A batch that waits for credit.
struct WaitingBatch {
    /// Its number on the connection; 0 before it has one.
    var number: UInt32 = 0
    let payload: FramePayload
    let isEnd: Bool
    let continuation: CheckedContinuation<Void, any Error>
}

struct ClientImport {
    var credit: SendCredit
    var waiting: [WaitingBatch] = []
    let receipts: AsyncThrowingStream<WriteReceipt, any Error>.Continuation
}

struct ClientExport {
    let pages: AsyncThrowingStream<FramePayload, any Error>.Continuation
}
