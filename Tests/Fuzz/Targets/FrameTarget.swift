// Frames of the wire.

import SakuinProtocol

extension FuzzTarget {
    /// The same frames and the same error whether bytes come at once or in pieces; the first byte is the size of a piece.
    static let frames = FuzzTarget(
        name: "frames",
        seeds: {
            let kinds: [FrameHeader.Kind] = [.request, .reply, .error, .data, .credit, .cancel, .ping]
            let frames = kinds.map { FrameHeader.frame($0, stream: 3, Array("payload".utf8)) }
            return frames.map { [5] + $0 } + [[13] + Array(frames.joined())]
        },
        run: { bytes in
            guard let first = bytes.first else { return nil }
            let rest = Array(bytes.dropFirst())
            let whole = FrameLog(rest, pieceCount: max(rest.count, 1))
            let pieces = FrameLog(rest, pieceCount: 1 + Int(first) % 32)
            return whole == pieces ? nil : "in pieces \(pieces), at once \(whole)"
        })
}

/// What a reader made of bytes.
private struct FrameLog: Equatable {
    var frames: [[UInt8]] = []
    var error: WireError?

    init(_ bytes: [UInt8], pieceCount: Int) {
        var reader = FrameReader(lengthMax: 1 << 16)
        for from in stride(from: 0, to: bytes.count, by: pieceCount) where error == nil {
            let piece = Array(bytes[from..<min(from + pieceCount, bytes.count)])
            error = piece.withUnsafeBytes { raw in
                do throws(WireError) {
                    try reader.read(raw) { (header, payload, _) throws(WireError) in
                        frames.append([header.kind.rawValue, header.flags, UInt8(header.stream & 0xFF)] + payload)
                    }
                    return nil
                } catch {
                    return error
                }
            }
        }
    }
}
