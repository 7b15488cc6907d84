// The vectors of Protocol/vectors, each fed whole and in pieces.

import SakuinProtocol
import SakuinTypes
import Testing

/// A frame as a reader delivered it.
struct ReadFrame: Equatable {
    var header: FrameHeader
    var payload: [UInt8]

    /// The payload, decompressed.
    func content() throws(SakuinError) -> [UInt8] {
        try payload.withUnsafeBytes { FramePayload(header, $0) }.content()
    }
}

extension VectorFile {
    /// What its reader accepts frames compressed by.
    var compression: FrameCompression? { values["compression"] == "lz4" ? .lz4 : nil }
}

/// What a reader makes of bytes that come in pieces of `pieceCount` bytes.
func readFrames(
    _ bytes: [UInt8], pieceCount: @autoclosure () -> Int, lengthMax: Int = 1 << 20,
    compression: FrameCompression? = nil
) -> (frames: [ReadFrame], error: WireError?) {
    var reader = FrameReader(FrameLimits(lengthMax: lengthMax, compression: compression))
    var frames: [ReadFrame] = []
    var at = 0
    while at < bytes.count {
        let end = min(bytes.count, at + pieceCount())
        let piece = Array(bytes[at..<end])
        let error = piece.withUnsafeBytes { raw -> WireError? in
            do throws(WireError) {
                try reader.read(raw) { (header, payload, _) throws(WireError) in
                    frames.append(ReadFrame(header: header, payload: Array(payload)))
                }
                return nil
            } catch {
                return error
            }
        }
        if let error { return (frames, error) }
        at = end
    }
    return (frames, nil)
}

@Suite struct VectorTests {
    @Test func thereAreVectors() {
        #expect(VectorFile.all("accept").count >= 16)
        #expect(VectorFile.all("reject").count >= 16)
    }

    @Test(arguments: VectorFile.all("accept"))
    func accepted(_ vector: VectorFile) throws {
        for pieceCount in [Int.max / 2, 1, 7, 12, 13] {
            let (frames, error) = readFrames(
                vector.bytes, pieceCount: pieceCount, compression: vector.compression)
            #expect(error == nil)
            #expect(frames.count == vector.frames.count)
        }
        let (frames, _) = readFrames(
            vector.bytes, pieceCount: vector.bytes.count, compression: vector.compression)
        var plain = vector.plain
        for (frame, bytes) in zip(frames, vector.frames) {
            let payload = try Self.reencoded(frame, data: vector.values["data"])
            let header = frame.header
            let flags = header.flags & ~FrameHeader.compressedFlag
            let expected = header.isCompressed ? plain.removeFirst() : bytes
            #expect(
                FrameHeader.frame(header.kind, flags: flags, stream: header.stream, payload) == expected,
                "\(header.kind)")
        }
        #expect(plain.isEmpty)
    }

    @Test(arguments: VectorFile.all("reject"))
    func rejected(_ vector: VectorFile) throws {
        for pieceCount in [Int.max / 2, 1, 7] {
            let (frames, error) = readFrames(
                vector.bytes, pieceCount: pieceCount, compression: vector.compression)
            if vector.verdict == "payload" {
                #expect(error == nil)
                let frame = try #require(frames.first)
                let failure = #expect(throws: SakuinError.self) { try Self.reencoded(frame, data: nil) }
                #expect(failure?.code == .invalidArgument)
            } else {
                let breach = try #require(error)
                #expect("\(breach)".hasPrefix(vector.verdict), "\(breach)")
                #expect(frames.count == Int(vector.values["delivered"] ?? "0"))
            }
        }
    }

    /// Decodes the payload of a frame and encodes what came out.
    static func reencoded(_ frame: ReadFrame, data: String?) throws -> [UInt8] {
        try frame.content().withUnsafeBytes { raw in
            switch frame.header.kind {
            case .hello: return WireCodec.encode(try WireCodec.decodeHello(raw))
            case .welcome: return WireCodec.encode(try WireCodec.decodeWelcome(raw))
            case .request: return WireCodec.encode(try WireCodec.decodeRequest(raw))
            case .reply: return WireCodec.encode(try WireCodec.decodeReply(raw))
            case .error, .goAway: return WireCodec.encode(try WireCodec.decodeStatus(raw))
            case .data:
                switch data {
                case "receipt": return WireCodec.encode(try WireCodec.decodeReceipt(raw))
                case "page": return WireCodec.encode(try WireCodec.decodePage(raw))
                default:
                    let batch = try WireCodec.decodeBatch(raw, acknowledge: .disk, rejection: .wholeBatch)
                    return WireCodec.encode(batch.operations)
                }
            case .credit, .cancel, .ping, .pong: return frame.payload
            }
        }
    }
}
