// First in the pipeline of a connection to a TLS server: a client that does not speak TLS is told so in words it knows.

import NIOCore
import SakuinAccess
import SakuinProtocol

/// Looks at the first byte, then leaves. TLS cannot answer one that does not speak it but by closing.
final class PlaintextGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var isClosing = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isClosing { return }
        let buffer = unwrapInboundIn(data)
        if let first = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self), !ServerTLS.isBeginning(first) {
            isClosing = true
            let frame = FrameHeader.frame(.error, stream: 0, WireCodec.encode(ServerTLS.missing))
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame)), promise: nil)
            // For who counts and logs; to close the connection is not left to TLS, which would say goodbye in its own way.
            context.fireErrorCaught(ServerTLS.missing)
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
