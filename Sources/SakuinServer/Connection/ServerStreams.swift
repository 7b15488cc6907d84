import NIOCore
import SakuinEngine
import SakuinProtocol
import SakuinTypes

/// What an open stream of a connection is doing; only touched on the connection's event loop.
enum ServerStream {
    /// A call without streaming is being answered.
    case unary
    /// A search or deletion by query goes on until nobody wants to know any more.
    case heeding(SearchCancellation)
    /// A worker decompresses the request, which will not be a streaming call.
    case opening
    /// A call waits until what it wants to read can be seen.
    case waiting(WaitingCall)
    case importing(ImportStream)
    case exporting(ExportStream)

    /// Lets go of what would call back.
    func giveUp() {
        switch self {
        case .waiting(let waiting): waiting.end()
        case .exporting(let export): export.idleTimer?.cancel()
        case .heeding(let cancellation): cancellation.cancel()
        case .unary, .opening, .importing: break
        }
    }
}

struct WaitingCall {
    let call: PendingCall
    let index: SearchIndex
    let ticket: VisibilityTicket
    /// Its time limit.
    let timer: Scheduled<Void>

    func end() {
        timer.cancel()
        index.forget(ticket)
    }
}

/// A client streams batches: they are applied one after another, acknowledged in order.
struct ImportStream {
    let index: SearchIndex
    /// What it takes to go on.
    let access: CallAccess
    let acknowledge: AcknowledgementLevel
    let rejection: RejectionPolicy
    var credit: ReceiveCredit
    /// Batches that wait for the one that is being encoded.
    var waiting: [FramePayload] = []
    var isEncoding = false
    /// Receipts by number of the batch, until those before have been sent.
    var receipts: [Int: (Result<WriteReceipt, SakuinError>, byteCount: Int)] = [:]
    var received = 0
    var acknowledged = 0
    /// The client has sent its last batch.
    var isEnded = false
}

/// The server streams pages as far as it has credit.
struct ExportStream {
    enum Step {
        /// Not in the row: there is no credit, or it has yet to begin.
        case stands
        case waitsForTurn
        case makesPage
    }

    var credit: SendCredit
    var step = Step.stands
    /// Ends it when there is no credit for long, or nobody reads.
    var idleTimer: Scheduled<Void>?
    /// Nil until it is known what there is to stream.
    var pages: DocumentPages?
}
