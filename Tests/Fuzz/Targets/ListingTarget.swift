// What `sakuin wire decode` makes of bytes.

import SakuinProtocol
import SakuinTypes

extension FuzzTarget {
    /// The same lines whether bytes come at once or in pieces, each JSON that can be read again; and a message is said to be
    /// refused when who gets it refuses it, and only then. The first byte has what DATA frames hold, the size of a piece
    /// and, highest, whether frames may be compressed.
    static let listings = FuzzTarget(
        name: "listings", seeds: listingSeeds,
        run: { bytes in
            guard let first = bytes.first else { return nil }
            let rest = Array(bytes.dropFirst())
            let limits = FrameLimits(lengthMax: 1 << 16, compression: first & 0x80 == 0 ? nil : .lz4)
            let data = ([nil] + FrameListing.DataMessage.allCases)[Int(first & 3)]
            let whole = Listed(rest, pieceCount: max(rest.count, 1), limits, data)
            let pieces = Listed(rest, pieceCount: 1 + Int(first >> 2 & 31), limits, data)
            if whole != pieces { return "in pieces \(pieces), at once \(whole)" }
            return whole.broken ?? judge(whole, Frames(rest, limits))
        })

    /// Compares what was listed with what the decoders of server and client say.
    private static func judge(_ listed: Listed, _ frames: Frames) -> String? {
        if frames.all.count != listed.lines.count || frames.error != listed.error {
            return "\(frames.all.count) frames and \(String(describing: frames.error)), listed \(listed)"
        }
        for ((kind, content), line) in zip(frames.all, listed.lines) {
            guard let isTaken = isTaken(kind, content) else { continue }
            if isTaken == line.isRefused { return "\(line.text), but \(isTaken ? "taken" : "refused")" }
        }
        return nil
    }

    /// nil for frames of which more has to be known.
    private static func isTaken(_ kind: FrameHeader.Kind, _ content: [UInt8]?) -> Bool? {
        guard let content else { return false }
        func reads<Value>(_ decode: (UnsafeRawBufferPointer) throws(SakuinError) -> Value) -> Bool {
            content.withUnsafeBytes { (try? decode($0)) != nil }
        }
        switch kind {
        case .hello: return reads(WireCodec.decodeHello)
        case .welcome: return reads(WireCodec.decodeWelcome)
        case .request: return reads(WireCodec.decodeRequest)
        case .reply: return reads(WireCodec.decodeReply)
        case .error, .goAway: return reads(WireCodec.decodeStatus)
        case .credit: return content.count == 4
        case .data: return nil
        case .cancel, .ping, .pong: return true
        }
    }

    private static func listingSeeds() -> [[UInt8]] {
        func frame(_ kind: FrameHeader.Kind, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
            FrameHeader.frame(kind, stream: stream, payload)
        }
        let document = Document(key: "k", fields: [.init("title", .string("国际")), .init("price", .float(-1.5e300))])
        let batch = WireCodec.encode([.put(document), .delete("d"), .putJSON(Array(#"{"id":1}"#.utf8), keyField: "id")])
        let (page, error) = (WireCodec.encode(WirePage([document])), SakuinError(.notFound, "No.", field: "index"))
        let hello = Hello(client: "c", frameByteCountMax: 1 << 20, streamCredit: 7, token: "secret")
        var search = SearchRequest(.tree(.and([.not(.text("国际", fields: ["title"])), .boost(.all, 2)])))
        search.facets = [FacetRequest("year", ranges: [FacetRange("old", to: "2000")])]
        let calls: [WireCall] = [
            .importStream(index: "i", acknowledge: .log, rejection: .eachOperation),
            .export(index: "i", pointInTime: "p"), .search(index: "i", search),
            .createIndex(name: "i", schema: FuzzIndex.schema),
        ]
        let requests = calls.enumerated().map {
            frame(.request, UInt32($0.offset), WireCodec.encode(WireRequest($0.element)))
        }
        let response = SearchResponse(
            hits: [Hit(key: "k", score: 1.25, fields: document.fields)], total: Total(1), complete: true)
        let packed = FramePayload(batch + page).compressed(by: .lz4)
        let said =
            [frame(.hello, 0, WireCodec.encode(hello))] + requests
            + [frame(.data, 0, batch), frame(.data, 1, page), frame(.credit, 0, [0, 1, 0, 0]), frame(.ping, 0, [7])]
            + [frame(.reply, 2, WireCodec.encode(.search(response))), frame(.error, 2, WireCodec.encode(error))]
        return said.map { [0] + $0 } + [[0x8C] + Array(said.joined())]
            + [[1] + frame(.data, 3, batch), [2] + frame(.data, 3, batch), [3] + frame(.data, 3, page)]
            + [[0x81] + FrameHeader.frame(.data, flags: packed.flags, stream: 3, packed.bytes)]
    }
}

/// What was listed of bytes.
private struct Listed: Equatable {
    struct Line: Equatable {
        let text: String
        let isRefused: Bool
    }

    var lines: [Line] = []
    var error: WireError?
    var offset = 0
    /// The promise that was broken.
    var broken: String?

    init(_ bytes: [UInt8], pieceCount: Int, _ limits: FrameLimits, _ data: FrameListing.DataMessage?) {
        var listing = FrameListing(limits, data: data)
        for from in stride(from: 0, to: bytes.count, by: pieceCount) where error == nil {
            do throws(WireError) {
                try listing.read(Array(bytes[from..<min(from + pieceCount, bytes.count)])) { frame, isRefused in
                    let text = frame.text
                    lines.append(Line(text: text, isRefused: isRefused))
                    if (try? JSONValue(parsing: Array(text.utf8)))?.text != text { broken = "\(text) is no JSON" }
                    if isRefused != (frame["refused"] != nil) { broken = "\(text) does not say why" }
                }
            } catch {
                self.error = error
            }
        }
        offset = listing.offset
    }
}

/// The frames that a reader finds; nil for content that cannot be decompressed.
private struct Frames {
    var all: [(kind: FrameHeader.Kind, content: [UInt8]?)] = []
    var error: WireError?

    init(_ bytes: [UInt8], _ limits: FrameLimits) {
        var reader = FrameReader(limits)
        error = bytes.withUnsafeBytes { raw in
            do throws(WireError) {
                try reader.read(raw) { (header, payload, _) throws(WireError) in
                    all.append((header.kind, try? FramePayload(header, payload).content()))
                }
                return nil
            } catch {
                return error
            }
        }
    }
}
