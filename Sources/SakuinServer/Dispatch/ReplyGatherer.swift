import NIOConcurrencyHelpers
import SakuinProtocol
import SakuinTypes

/// Gathers the replies of a burst, so that those that are there together go out together.
final class ReplyGatherer: Sendable {
    enum Payload: Sendable {
        case reply([UInt8])
        case error([UInt8])
    }
    private struct State {
        var ready: [(stream: UInt32, result: Payload)] = []
        /// The worker is still at the burst: replies wait for its end.
        var isOpen = true
    }

    private let state: NIOLockedValueBox<State>
    private let send: @Sendable ([(stream: UInt32, result: Payload)]) -> Void

    init(count: Int, send: @escaping @Sendable ([(stream: UInt32, result: Payload)]) -> Void) {
        var state = State()
        state.ready.reserveCapacity(count)
        self.state = NIOLockedValueBox(state)
        self.send = send
    }

    /// Encodes a reply on the calling thread; one that comes after the burst is sent by itself.
    func add(_ stream: UInt32, _ result: Result<WireReply, SakuinError>) {
        let payload: Payload =
            switch result {
            case .success(let reply): .reply(WireCodec.encode(reply))
            case .failure(let error): .error(WireCodec.encode(error))
            }
        let late = state.withLockedValue { state -> Bool in
            if state.isOpen { state.ready.append((stream, payload)) }
            return !state.isOpen
        }
        if late { send([(stream, payload)]) }
    }

    /// Sends what the burst has brought.
    func flush() {
        let ready = state.withLockedValue { state in
            state.isOpen = false
            return state.ready
        }
        if !ready.isEmpty { send(ready) }
    }
}
