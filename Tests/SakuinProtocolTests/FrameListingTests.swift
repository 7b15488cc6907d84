// Frames as JSON: every vector, and what is no frame.

import Foundation
import SakuinTypes
import Testing

@testable import SakuinProtocol

@Suite struct FrameListingTests {
    private static func list(
        _ bytes: [UInt8], compression: FrameCompression? = nil, data: FrameListing.DataMessage? = nil
    ) -> (frames: [(JSONValue, isRefused: Bool)], error: WireError?, offset: Int) {
        var listing = FrameListing(FrameLimits(lengthMax: 1 << 20, compression: compression), data: data)
        var frames: [(JSONValue, isRefused: Bool)] = []
        do throws(WireError) {
            try listing.read(bytes) { frames.append(($0, $1)) }
            return (frames, nil, listing.offset)
        } catch {
            return (frames, error, listing.offset)
        }
    }

    @Test(arguments: VectorFile.all("accept"))
    func acceptedVectors(_ vector: VectorFile) throws {
        let data = vector.values["data"].flatMap(FrameListing.DataMessage.init)
        let (frames, error, offset) = Self.list(vector.bytes, compression: vector.compression, data: data)
        #expect(error == nil && offset == vector.bytes.count && frames.count == vector.frames.count)
        var at = 0
        for (frame, bytes) in zip(frames, vector.frames) {
            #expect(!frame.isRefused)
            #expect(frame.0["offset"] == .integer(Int64(at)))
            #expect(frame.0["length"] == .integer(Int64(bytes.count - FrameHeader.byteCount)))
            // It can be read by any program.
            #expect(try JSONValue(parsing: Array(frame.0.text.utf8)) == frame.0)
            at += bytes.count
        }
    }

    @Test(arguments: VectorFile.all("reject"))
    func rejectedVectors(_ vector: VectorFile) {
        let (frames, error, offset) = Self.list(vector.bytes, compression: vector.compression)
        if vector.verdict == "payload" {
            #expect(error == nil && frames.first?.isRefused == true)
            #expect(frames.first?.0["refused"] != nil)
        } else {
            #expect(error.map { "\($0)".hasPrefix(vector.verdict) } == true)
            #expect(frames.count == Int(vector.values["delivered"] ?? "0"))
            #expect(offset == vector.frames.prefix(frames.count).reduce(0) { $0 + $1.count })
        }
    }

    @Test func bytesAreTextAndTokensAreSecret() {
        let operations: [WriteOperation] = [.putJSON(Array("{\"id\":\"索引\"}".utf8), keyField: "id")]
        let hello = FrameHeader.frame(
            .hello, stream: 0,
            WireCodec.encode(Hello(client: "c", frameByteCountMax: 0, streamCredit: 7, token: "secret")))
        let open = FrameHeader.frame(
            .request, stream: 1,
            WireCodec.encode(WireRequest(.importStream(index: "i", acknowledge: .log, rejection: .eachOperation))))
        let batch = FrameHeader.frame(.data, flags: FrameHeader.endFlag, stream: 1, WireCodec.encode(operations))
        let credit = FrameHeader.frame(.credit, stream: 1, [0, 1, 0, 0])
        let ping = FrameHeader.frame(.ping, stream: 0, [0xAB, 7])
        let texts = Self.list(hello + open + batch + credit + ping + batch.dropLast(3)).frames.map(\.0.text)
        #expect(
            texts == [
                #"{"offset":0,"type":"HELLO","stream":0,"length":\#(hello.count - 12),"message":{"version_min":1,"version_max":1,"client":"c","stream_credit":7,"token":"(6 characters)"}}"#,
                #"{"offset":\#(hello.count),"type":"REQUEST","stream":1,"length":\#(open.count - 12),"message":{"import":{"index":"i","acknowledge":"ACKNOWLEDGEMENT_LOG","rejection":"REJECTION_EACH_OPERATION"}}}"#,
                #"{"offset":\#(hello.count + open.count),"type":"DATA","stream":1,"length":\#(batch.count - 12),"end":true,"message":{"key_field":"id","json":["{\"id\":\"索引\"}"]}}"#,
                #"{"offset":\#(hello.count + open.count + batch.count),"type":"CREDIT","stream":1,"length":4,"credit":256}"#,
                #"{"offset":\#(hello.count + open.count + batch.count + credit.count),"type":"PING","stream":0,"length":2,"payload":"ab07"}"#,
            ])
    }

    /// The fields whose Base64 is read as text are those that are bytes in sakuin.proto, and no text has their name.
    @Test func bytesFieldsAreThoseOfTheContract() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocol/sakuin/v1/sakuin.proto")
        var names: [String: Set<String>] = [:]
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ").drop { $0 == "repeated" || $0 == "optional" }
            guard words.count > 2, words.dropFirst(2).first == "=", let kind = words.first else { continue }
            names[String(kind), default: []].insert(String(words[words.startIndex + 1]))
        }
        #expect(names["bytes"] == FrameListing.bytesFields)
        #expect(names["string", default: []].isDisjoint(with: FrameListing.bytesFields))
        #expect(names["string", default: []].contains("token"))
    }
}
