public import SakuinTypes

/// Every way a peer can break the contract. All of them cost the connection: after an ERROR frame on stream 0 it is
/// closed.
public enum WireError: Error, Sendable, Hashable {
    case truncated
    case badMagic
    case unknownType(UInt8)
    case unknownFlags(UInt8)
    case tooLong(length: Int, limit: Int)
    /// A connection-wide frame on a stream, or a stream's frame on stream 0.
    case wrongStream(kind: UInt8, stream: UInt32)
    /// A compressed payload that says a length which it cannot have.
    case badCompression(declared: Int, byteCount: Int)
    /// A frame that this side never may send, or not yet.
    case unexpected(kind: UInt8)
    /// A request on a stream that is open, or whose number is not above all before.
    case streamReused(UInt32)
    /// More data than there was credit for.
    case overCredit(stream: UInt32)
    /// Credit was given beyond the most that it may be.
    case tooMuchCredit(stream: UInt32)
    /// A payload that is no message of its type.
    case badPayload(kind: UInt8)
    case noCommonVersion(min: UInt32, max: UInt32)
    /// A HELLO without a token that the server knows. What is wrong with it is not told.
    case unauthenticated

    /// What the peer is told.
    public var sakuinError: SakuinError {
        switch self {
        case .truncated: SakuinError(.invalidArgument, "A frame is cut short.")
        case .badMagic:
            SakuinError(
                .invalidArgument, "This is not Sakuin's protocol.", field: "magic",
                nextStep: "Connect with a Sakuin client; see PROTOCOL.md.")
        case .unknownType(let type):
            SakuinError(.invalidArgument, "Unknown frame type.", field: "type", value: "\(type)")
        case .unknownFlags(let flags):
            SakuinError(.invalidArgument, "Unknown frame flags.", field: "flags", value: "\(flags)")
        case .tooLong(let length, let limit):
            SakuinError(
                .resourceExhausted, "A frame is too long.", field: "length", limit: "\(limit)", value: "\(length)",
                nextStep: "Send smaller batches.")
        case .wrongStream(let kind, let stream):
            SakuinError(
                .invalidArgument, "Frame type \(kind) cannot stand on stream \(stream).", field: "stream",
                value: "\(stream)")
        case .badCompression(let declared, let byteCount):
            SakuinError(
                .invalidArgument, "A compressed payload of \(byteCount) bytes cannot have the length that it says.",
                field: "decompressedLength", value: "\(declared)",
                nextStep: "Compress only what gets shorter; see PROTOCOL.md.")
        case .unexpected(let kind):
            SakuinError(
                .failedPrecondition, "Frame type \(kind) is not expected here.", field: "type", value: "\(kind)")
        case .streamReused(let stream):
            SakuinError(
                .failedPrecondition, "Stream numbers ascend, and each is used once.", field: "stream",
                value: "\(stream)")
        case .overCredit(let stream):
            SakuinError(
                .resourceExhausted, "More data than credit on stream \(stream).", field: "credit", value: "\(stream)")
        case .tooMuchCredit(let stream):
            SakuinError(
                .resourceExhausted, "Credit of stream \(stream) is above the most that it may be.", field: "credit",
                limit: "\(Int32.max)", nextStep: "Give back what was received and no more.")
        case .badPayload(let kind):
            SakuinError(.invalidArgument, "The payload is no message of frame type \(kind).", field: "payload")
        case .noCommonVersion(let min, let max):
            SakuinError(
                .failedPrecondition, "No protocol version in common.", field: "version",
                limit: "\(ProtocolVersion.min) to \(ProtocolVersion.max)", value: "\(min) to \(max)",
                nextStep: "Use a client and a server of like versions.")
        case .unauthenticated:
            SakuinError(
                .unauthenticated, "The server asks for a token that it knows.", field: "token",
                nextStep: "Name the file with your token; with sakuin: --token-file FILE.")
        }
    }
}

/// The versions of the protocol that this build speaks.
public enum ProtocolVersion {
    public static let min: UInt32 = 1
    public static let max: UInt32 = 1
}
