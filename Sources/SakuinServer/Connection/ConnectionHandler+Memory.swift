// What a connection holds of the process's memory before its calls do, and when it is not read from for that.
//
// 1. A long frame is counted when its header has come: a client that never sends the rest would have that memory for
//    nothing, once for each of its connections. While there is none for it the connection is not read from.
// 2. A frame that has not come to its end in time ends the connection.
// 3. Imports make a connection wait too, when what they bring could not be put anywhere.

import NIOCore
import SakuinEngine
import SakuinTypes

/// A frame that has begun to come.
struct LongFrame {
    let byteCount: Int
    /// Ends the connection when the frame does not end.
    let patience: Scheduled<Void>
    /// nil while there is none.
    var memory: FrameMemory?
}

extension ConnectionHandler {
    /// Shorter frames are not counted.
    private static let longFrameByteCount = 64 << 10
    /// A frame may take longer by a second for so many bytes of it.
    private static let byteCountPerSecond = 64 << 10

    /// Takes note of the frame that has begun to come; of 0 bytes when there is none. `isAnother` when the one before has
    /// come to its end.
    func follow(frameByteCount: Int, isAnother: Bool) {
        if isAnother { forgetFrame() }
        guard frameByteCount > Self.longFrameByteCount, longFrame == nil, let context else { return }
        let seconds = server.configuration.frameSeconds
        let time = TimeAmount.milliseconds(
            Int64(seconds) * 1_000 + Int64(frameByteCount) * 1_000 / Int64(Self.byteCountPerSecond))
        let patience = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.giveUpFrame() }
        longFrame = LongFrame(byteCount: frameByteCount, patience: patience)
        takeFrameMemory()
    }

    func forgetFrame() {
        longFrame?.patience.cancel()
        longFrame = nil
    }

    private func takeFrameMemory() {
        guard let frame = longFrame, frame.memory == nil else { return }
        longFrame?.memory = server.catalog.frameMemory(byteCount: frame.byteCount)
        if longFrame?.memory == nil { waitForMemory() }
    }

    private func giveUpFrame() {
        guard let frame = longFrame else { return }
        if frame.memory == nil {
            return end(
                SakuinError(
                    .resourceExhausted, "There is no memory for long frames.", field: "frame",
                    limit: "\(Self.longFrameByteCount)", value: "\(frame.byteCount)",
                    nextStep: "Send smaller batches, or try again later.", retryAfterMilliseconds: 1_000))
        }
        end(
            SakuinError(
                .deadlineExceeded, "A frame did not come to its end in time.", field: "frameSeconds",
                limit: "\(server.configuration.frameSeconds)", value: "\(frame.byteCount)",
                nextStep: "Connect again, and send smaller frames on a slow connection."))
    }

    /// Reads nothing more for a moment, since there is little memory; what is under way could not be put anywhere.
    func waitForMemory() {
        guard let context, !waitsForMemory else { return }
        waitsForMemory = true
        follow(context)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(10)) { handler.value.goOn() }
    }

    private func goOn() {
        guard let context else { return }
        waitsForMemory = false
        takeFrameMemory()
        follow(context)
    }

    /// Reads on while the client reads its replies and nothing waits for memory.
    func follow(_ context: ChannelHandlerContext) {
        let reads = context.channel.isWritable && !waitsForMemory
        context.channel.setOption(.autoRead, value: reads).whenFailure { _ in }
    }
}
