// Frames of the wire.

import SakuinProtocol

extension FuzzTarget {
    /// The same frames and the same error whether bytes come at once or in pieces; compressed ones become as long as they
    /// say, or are refused. The first byte is the size of a piece; with its highest bit frames may be compressed.
    static let frames = FuzzTarget(
        name: "frames",
        seeds: {
            let kinds: [FrameHeader.Kind] = [.request, .reply, .error, .data, .credit, .cancel, .ping]
            let frames = kinds.map { FrameHeader.frame($0, stream: 3, Array("payload".utf8)) }
            let text = Array((0..<200).map { "\($0)索引\($0 % 7)" }.joined().utf8)
            let packed = [text, [UInt8](repeating: 7, count: 30_000)].map { content in
                let payload = FramePayload(content).compressed(by: .lz4)
                return FrameHeader.frame(.data, flags: payload.flags, stream: 3, payload.bytes)
            }
            return frames.map { [5] + $0 } + [[13] + Array(frames.joined())]
                + packed.map { [0x85] + $0 } + [[0x8D] + Array((packed + frames).joined())]
        },
        run: { bytes in
            guard let first = bytes.first else { return nil }
            let rest = Array(bytes.dropFirst())
            let compression: FrameCompression? = first & 0x80 == 0 ? nil : .lz4
            let whole = FrameLog(rest, pieceCount: max(rest.count, 1), compression)
            let pieces = FrameLog(rest, pieceCount: 1 + Int(first) % 32, compression)
            return whole == pieces ? whole.broken : "in pieces \(pieces), at once \(whole)"
        })
}

/// What a reader made of bytes.
private struct FrameLog: Equatable {
    private static let lengthMax = 1 << 16

    var frames: [[UInt8]] = []
    var error: WireError?
    /// The promise that was broken.
    var broken: String?

    init(_ bytes: [UInt8], pieceCount: Int, _ compression: FrameCompression?) {
        var reader = FrameReader(FrameLimits(lengthMax: Self.lengthMax, compression: compression))
        for from in stride(from: 0, to: bytes.count, by: pieceCount) where error == nil {
            let piece = Array(bytes[from..<min(from + pieceCount, bytes.count)])
            error = piece.withUnsafeBytes { raw in
                do throws(WireError) {
                    try reader.read(raw) { (header, payload, _) throws(WireError) in
                        add(header, FramePayload(header, payload))
                    }
                    return nil
                } catch {
                    return error
                }
            }
        }
    }

    private mutating func add(_ header: FrameHeader, _ payload: FramePayload) {
        // Refused content is the same in pieces and at once.
        let content = (try? payload.content()) ?? []
        let isWhole = content.count == payload.contentByteCount
        if payload.contentByteCount > Self.lengthMax || !(isWhole || (header.isCompressed && content.isEmpty)) {
            broken = "\(content.count) of \(payload.contentByteCount) bytes"
        }
        frames.append([header.kind.rawValue, header.flags, UInt8(header.stream & 0xFF), isWhole ? 1 : 0] + content)
    }
}
