// What bytes of the protocol say, for people and scripts: header and message of each frame as JSON.
//
// 1. `FrameReader` finds the frames, by the same checks as a server or client.
// 2. A payload is decompressed, and shown as the message of its type by the names of sakuin.proto. What a DATA frame holds
//    its stream's REQUEST says, if it is there; else it has to be told.
// 3. The message is decoded once more as a server or client would, so that what they refuse is said to be refused.

public import SakuinTypes
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

public struct FrameListing {
    /// What a DATA frame may hold.
    public enum DataMessage: String, Sendable, CaseIterable {
        case batch, receipt, page
    }

    private var reader: FrameReader
    private let data: DataMessage?
    /// By stream, from its REQUEST.
    private var dataOfStreams: [UInt32: DataMessage] = [:]
    /// Where the next frame begins.
    public private(set) var offset = 0

    /// `data` nil: as the requests say.
    public init(_ limits: FrameLimits, data: DataMessage?) {
        reader = FrameReader(limits)
        self.data = data
    }

    /// Bytes of a frame that is not whole.
    public var pendingByteCount: Int { reader.pendingByteCount }

    /// Takes bytes and calls `body` with every frame that is whole, and with whether its message is one that is refused.
    /// Throws for what is no frame, which begins at `offset`.
    public mutating func read(
        _ bytes: [UInt8], _ body: (JSONValue, _ isRefused: Bool) -> Void
    ) throws(WireError) {
        var reader = reader
        self.reader = FrameReader(lengthMax: 0)
        let failure = bytes.withUnsafeBytes { bytes in
            reader.failure(reading: bytes) { (header, payload, _) throws(WireError) in
                let (value, isRefused) = describe(header, payload)
                body(value, isRefused)
                offset += FrameHeader.byteCount + header.length
            }
        }
        self.reader = reader
        if let failure { throw failure }
    }

    private mutating func describe(
        _ header: FrameHeader, _ bytes: UnsafeRawBufferPointer
    ) -> (value: JSONValue, isRefused: Bool) {
        var members: [JSONValue.Member] = [
            .init(key: "offset", value: .integer(Int64(offset))), .init(key: "type", value: .string(header.kind.name)),
            .init(key: "stream", value: .integer(Int64(header.stream))),
            .init(key: "length", value: .integer(Int64(header.length))),
        ]
        if header.isEnd { members.append(.init(key: "end", value: .boolean(true))) }
        let payload = FramePayload(header, bytes)
        if payload.isCompressed {
            members.append(.init(key: "contentLength", value: .integer(Int64(payload.contentByteCount))))
        }
        do throws(SakuinError) {
            let shown = try message(header, try payload.content())
            if let shown { members.append(.init(key: shown.name, value: shown.value)) }
            if let refusal = shown?.refusal { throw refusal }
            return (.object(members), false)
        } catch {
            members.append(.init(key: "refused", value: .string("\(error)")))
            return (.object(members), true)
        }
    }

    /// What a payload says, under which name, and why nobody would take it.
    private struct Shown {
        let name: String
        let value: JSONValue
        var refusal: SakuinError?
    }

    /// Nil of a payload that says nothing; throws for one that cannot be shown.
    private mutating func message(_ header: FrameHeader, _ content: [UInt8]) throws(SakuinError) -> Shown? {
        switch header.kind {
        case .hello: return try show(content, Sakuin_V1_Hello.self, WireCodec.decodeHello)
        case .welcome: return try show(content, Sakuin_V1_Welcome.self, WireCodec.decodeWelcome)
        case .request:
            return try show(content, Sakuin_V1_Request.self) { (bytes) throws(SakuinError) in
                let request = try WireCodec.decodeRequest(bytes)
                switch request.call {
                case .importStream: dataOfStreams[header.stream] = .batch
                case .export: dataOfStreams[header.stream] = .page
                default: break
                }
            }
        case .reply: return try show(content, Sakuin_V1_Reply.self, WireCodec.decodeReply)
        case .error, .goAway: return try show(content, Sakuin_V1_Status.self, WireCodec.decodeStatus)
        case .data: return content.isEmpty ? nil : try dataMessage(header.stream, content)
        case .credit:
            guard content.count == 4 else { throw WireError.badPayload(kind: header.kind.rawValue).sakuinError }
            let credit = content.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)) }
            return Shown(name: "credit", value: .integer(Int64(credit)))
        case .cancel: return nil
        case .ping, .pong: return Shown(name: "payload", value: .string(content.hex))
        }
    }

    private func dataMessage(_ stream: UInt32, _ content: [UInt8]) throws(SakuinError) -> Shown {
        switch data ?? dataOfStreams[stream] {
        case .batch?:
            return try show(content, Sakuin_V1_WriteBatch.self) { (bytes) throws(SakuinError) in
                try WireCodec.decodeBatch(bytes, acknowledge: .disk, rejection: .wholeBatch)
            }
        case .receipt?: return try show(content, Sakuin_V1_WriteReceipt.self, WireCodec.decodeReceipt)
        case .page?: return try show(content, Sakuin_V1_ExportPage.self, WireCodec.decodePage)
        case nil: return Shown(name: "payload", value: .string(content.hex))
        }
    }

    /// A message as it is, and what who gets it says of it.
    private func show<M: Message, R>(
        _ content: [UInt8], _ type: M.Type, _ decode: (UnsafeRawBufferPointer) throws(SakuinError) -> R
    ) throws(SakuinError) -> Shown {
        let message = try content.withBytes { (bytes) throws(SakuinError) in try WireCodec.decode(bytes, as: type) }
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        options.alwaysPrintInt64sAsNumbers = true
        guard let json: [UInt8] = try? message.jsonUTF8Bytes(options: options) else {
            throw .invalid("The message cannot be shown as JSON.", field: "payload")
        }
        var shown = Shown(name: "message", value: Self.readable(try JSONValue(parsing: json)))
        do throws(SakuinError) { _ = try content.withBytes(decode) } catch { shown.refusal = error }
        return shown
    }

    /// Fields of sakuin.proto that are bytes, which protobuf's JSON shows as Base64; none of the texts has such a name.
    static let bytesFields: Set<String> = [
        "schema", "json", "idempotency_key", "delete", "key", "text", "keyword", "keys",
    ]

    /// The same with bytes as the text that they are, and without the token, which is a secret.
    private static func readable(_ value: JSONValue, _ field: String = "") -> JSONValue {
        switch value {
        case .object(let members):
            return .object(members.map { .init(key: $0.key, value: readable($0.value, $0.key)) })
        case .array(let values): return .array(values.map { readable($0, field) })
        case .string(let base64) where bytesFields.contains(field):
            guard let bytes = Data(base64Encoded: base64), let text = String(validating: bytes, as: UTF8.self) else {
                return .object([.init(key: "base64", value: .string(base64))])
            }
            return .string(text)
        case .string(let text) where field == "token": return .string("(\(text.utf8.count) characters)")
        case .null, .boolean, .integer, .float, .string: return value
        }
    }
}

extension FrameHeader.Kind {
    /// As in PROTOCOL.md.
    fileprivate var name: String { "\(self)".uppercased() }
}

extension [UInt8] {
    fileprivate var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    fileprivate func withBytes<R>(
        _ body: (UnsafeRawBufferPointer) throws(SakuinError) -> R
    ) throws(SakuinError) -> R {
        let result: Result<R, SakuinError> = withUnsafeBytes { bytes in
            Result { () throws(SakuinError) in try body(bytes) }
        }
        return try result.get()
    }
}
