// Calls with one answer, and their deadlines.
//
// A timer for each call would stay in the event loop until the deadline, long after its call was answered, by the
// hundred thousand on a busy connection. So there is one a connection: it is set for the earliest deadline it knows,
// and looks at the calls that are still open when it goes off.

import NIOCore
import SakuinProtocol
import SakuinTypes

struct DeadlineTimer {
    let at: NIODeadline
    let task: Scheduled<Void>
}

extension ClientHandler {
    /// Sends a call, whose continuation gets the reply. Returns its stream, 0 when it failed at once.
    func call(_ payload: FramePayload, _ call: WaitingReply) -> UInt32 {
        do throws(SakuinError) {
            try checkOpen(payload.contentByteCount)
            let number = openStream(.unary(call), payload)
            keep(call.deadline)
            return number
        } catch {
            call.continuation.resume(throwing: error)
            return 0
        }
    }

    /// Sends a PING, whose continuation goes on at its PONG. Returns its number, 0 when it failed at once.
    func ping(_ call: WaitingReply) -> UInt32 {
        do throws(SakuinError) {
            try checkOpen(0)
            let number = takeNumber()
            streams[number] = .ping(call)
            write(.ping, stream: 0, withUnsafeBytes(of: number.littleEndian) { Array($0) })
            keep(call.deadline)
            return number
        } catch {
            call.continuation.resume(throwing: error)
            return 0
        }
    }

    /// A PONG; that of a PING that was given up finds nobody.
    func pong(_ payload: UnsafeRawBufferPointer) throws(SakuinError) {
        guard payload.count == 4 else { throw SakuinError(.internalError, "No PING had this payload.") }
        let number = UInt32(littleEndian: payload.loadUnaligned(as: UInt32.self))
        if case .ping? = streams[number] { finish(number, .reply(.done)) }
    }

    /// Gives a call up.
    func cancel(_ number: UInt32, _ error: SakuinError) {
        guard let stream = streams.removeValue(forKey: number) else { return }
        if case .ping = stream {} else { write(.cancel, stream: number, []) }
        Self.fail(stream, error)
        closeWhenLeft()
    }

    // MARK: Deadlines

    /// Has the timer go off at `deadline` at the latest.
    private func keep(_ deadline: NIODeadline) {
        guard let context, deadline < deadlineTimer?.at ?? .distantFuture else { return }
        deadlineTimer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.giveUpLate() }
        deadlineTimer = DeadlineTimer(at: deadline, task: task)
    }

    private func giveUpLate() {
        deadlineTimer = nil
        let now = NIODeadline.now()
        var next = NIODeadline.distantFuture
        var late: [UInt32] = []
        for (number, stream) in streams {
            switch stream {
            case .unary(let call), .ping(let call):
                if call.deadline <= now { late.append(number) } else { next = min(next, call.deadline) }
            case .importing, .exporting: break
            }
        }
        for number in late { cancel(number, SakuinError(.deadlineExceeded, "No reply before the deadline.")) }
        if next < .distantFuture { keep(next) }
    }
}
