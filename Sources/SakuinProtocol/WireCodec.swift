public import SakuinTypes
import SwiftProtobuf

/// Model values to protobuf payloads and back; decoding checks everything and throws `SakuinError`.
public enum WireCodec {
    static func bytes(_ message: some Message) -> [UInt8] {
        // Encoding fails only for missing proto2 fields, which these messages have none of.
        (try? message.serializedBytes()) ?? []
    }

    static func decode<M: Message>(_ payload: UnsafeRawBufferPointer, as type: M.Type) throws(SakuinError) -> M {
        var options = BinaryDecodingOptions()
        // A level of a query tree is up to two messages.
        options.messageDepthLimit = 2 * Query.depthMax + 16
        do {
            return try M(serializedBytes: [UInt8](payload), options: options)
        } catch {
            throw .invalid("The payload is no \(M.protoMessageName) message.", field: "payload")
        }
    }

    static func text(_ bytes: some Collection<UInt8>, _ field: String) throws(SakuinError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalid("'\(field)' is not valid UTF-8.", field: field)
        }
        return text
    }

    // MARK: Handshake

    public static func encode(_ hello: Hello) -> [UInt8] {
        bytes(
            Sakuin_V1_Hello.with {
                $0.versionMin = hello.versionMin
                $0.versionMax = hello.versionMax
                $0.client = hello.client
                $0.frameByteCountMax = hello.frameByteCountMax
                $0.streamCredit = hello.streamCredit
                $0.token = hello.token
                $0.compressions = hello.compressions.map(compression)
            })
    }

    public static func decodeHello(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> Hello {
        let message = try decode(payload, as: Sakuin_V1_Hello.self)
        return Hello(
            versionMin: message.versionMin, versionMax: message.versionMax, client: message.client,
            frameByteCountMax: message.frameByteCountMax, streamCredit: message.streamCredit, token: message.token,
            compressions: message.compressions.map { FrameCompression(rawValue: $0.rawValue) })
    }

    public static func encode(_ welcome: Welcome) -> [UInt8] {
        bytes(
            Sakuin_V1_Welcome.with {
                $0.version = welcome.version
                $0.server = welcome.server
                $0.frameByteCountMax = welcome.frameByteCountMax
                $0.streamCredit = welcome.streamCredit
                $0.streamCountMax = welcome.streamCountMax
                if let chosen = welcome.compression { $0.compression = compression(chosen) }
                $0.features = welcome.features.map(feature)
            })
    }

    public static func decodeWelcome(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> Welcome {
        let message = try decode(payload, as: Sakuin_V1_Welcome.self)
        return Welcome(
            version: message.version, server: message.server, frameByteCountMax: message.frameByteCountMax,
            streamCredit: message.streamCredit, streamCountMax: message.streamCountMax,
            compression: message.compression.rawValue == 0
                ? nil : FrameCompression(rawValue: message.compression.rawValue),
            features: message.features.map { ProtocolFeature(rawValue: $0.rawValue) })
    }

    /// Also of one that this build does not know.
    private static func compression(_ compression: FrameCompression) -> Sakuin_V1_Compression {
        Sakuin_V1_Compression(rawValue: compression.rawValue) ?? .UNRECOGNIZED(compression.rawValue)
    }

    /// Also of one that this build does not know.
    private static func feature(_ feature: ProtocolFeature) -> Sakuin_V1_Feature {
        Sakuin_V1_Feature(rawValue: feature.rawValue) ?? .UNRECOGNIZED(feature.rawValue)
    }

    // MARK: Status

    public static func encode(_ error: SakuinError) -> [UInt8] { bytes(status(error)) }

    static func status(_ error: SakuinError) -> Sakuin_V1_Status {
        .with {
            $0.code = error.code.rawValue
            $0.message = error.message
            if let field = error.field { $0.field = field }
            if let limit = error.limit { $0.limit = limit }
            if let value = error.value { $0.value = value }
            if let next = error.nextStep { $0.nextStep = next }
            if let retry = error.retryAfterMilliseconds { $0.retryAfterMilliseconds = retry }
        }
    }

    public static func decodeStatus(_ payload: UnsafeRawBufferPointer) throws(SakuinError) -> SakuinError {
        error(try decode(payload, as: Sakuin_V1_Status.self))
    }

    static func error(_ status: Sakuin_V1_Status) -> SakuinError {
        SakuinError(
            SakuinError.Code(rawValue: status.code), status.message, field: status.hasField ? status.field : nil,
            limit: status.hasLimit ? status.limit : nil, value: status.hasValue ? status.value : nil,
            nextStep: status.hasNextStep ? status.nextStep : nil,
            retryAfterMilliseconds: status.hasRetryAfterMilliseconds ? status.retryAfterMilliseconds : nil)
    }
}
