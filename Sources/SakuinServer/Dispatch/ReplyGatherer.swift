import NIOConcurrencyHelpers
import SakuinEngine
import SakuinProtocol
import SakuinTypes

/// Gathers the replies of a burst, so that those that are there together go out together.
final class ReplyGatherer: Sendable {
    enum Payload: Sendable {
        /// Its memory is let go of when it has been flushed.
        case reply(FramePayload, ReplyMemory?)
        case error([UInt8])

        /// Encodes a result for a client that takes payloads of at most so many bytes.
        init(_ result: Result<WireReply, SakuinError>, _ memory: ReplyMemory? = nil, byteCountMax: Int) {
            switch result {
            case .success(let reply):
                let bytes = WireCodec.encode(reply)
                self =
                    bytes.count <= byteCountMax
                    ? .reply(FramePayload(bytes), memory)
                    : .error(WireCodec.encode(ReplyMemory.tooLong(bytes.count, limit: byteCountMax)))
            case .failure(let error): self = .error(WireCodec.encode(error))
            }
        }

        /// A reply compressed, on the calling thread. In the memory that it holds the compressed bytes have the place of those
        /// in the buffer of the connection, to which they go when the others are gone.
        func compressed(by compression: FrameCompression?) -> Payload {
            guard case .reply(let payload, let memory) = self else { return self }
            return .reply(payload.compressed(by: compression), memory)
        }
    }
    private struct State {
        var ready: [(stream: UInt32, result: Payload)] = []
        /// The worker is still at the burst: replies wait for its end.
        var isOpen = true
    }

    private let state: NIOLockedValueBox<State>
    private let byteCountMax: Int
    private let compression: FrameCompression?
    private let send: @Sendable ([(stream: UInt32, result: Payload)]) -> Void

    init(
        count: Int, byteCountMax: Int, compression: FrameCompression?,
        send: @escaping @Sendable ([(stream: UInt32, result: Payload)]) -> Void
    ) {
        var state = State()
        state.ready.reserveCapacity(count)
        self.state = NIOLockedValueBox(state)
        self.byteCountMax = byteCountMax
        self.compression = compression
        self.send = send
    }

    /// Encodes a reply, and compresses it, on the calling thread; one that comes after the burst is sent by itself.
    func add(_ stream: UInt32, _ result: Result<WireReply, SakuinError>, _ memory: ReplyMemory? = nil) {
        let payload = Payload(result, memory, byteCountMax: byteCountMax).compressed(by: compression)
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
