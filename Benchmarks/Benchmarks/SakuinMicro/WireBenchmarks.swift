// Frames and messages, without a socket.

import Benchmark
import SakuinProtocol
import SakuinTypes

func wireBenchmarks() {
    for count in [1, 10, 100, 1_000] {
        let configuration = Benchmark.Configuration.quick(count < 100)
        Benchmark(title("read search requests", count, "frames"), configuration: configuration) {
            (benchmark, bytes: [UInt8]) in
            var reader = FrameReader(lengthMax: FrameHeader.payloadByteCountMax)
            for _ in benchmark.scaledIterations {
                try bytes.withUnsafeBytes { bytes in
                    try reader.read(bytes) { (header, payload, _) throws(WireError) in
                        do throws(SakuinError) {
                            blackHole(try WireCodec.decodeRequest(payload))
                        } catch {
                            throw .badPayload(kind: header.kind.rawValue)
                        }
                    }
                }
            }
        } setup: {
            (0..<count).flatMap { number in
                FrameHeader.frame(
                    .request, stream: UInt32(number + 1),
                    WireCodec.encode(WireRequest(.search(index: "news", SearchRequest("国际数字 5G网络")))))
            }
        }
        Benchmark(title("write a search reply", count, "hits"), configuration: configuration) {
            (benchmark, reply: WireReply) in
            for _ in benchmark.scaledIterations {
                blackHole(FrameHeader.frame(.reply, stream: 1, WireCodec.encode(reply)))
            }
        } setup: {
            reply(count)
        }
        Benchmark(title("read a search reply", count, "hits"), configuration: configuration) {
            (benchmark, bytes: [UInt8]) in
            for _ in benchmark.scaledIterations {
                blackHole(try bytes.withUnsafeBytes { try WireCodec.decodeReply($0) })
            }
        } setup: {
            WireCodec.encode(reply(count))
        }
    }
}

private func reply(_ hits: Int) -> WireReply {
    let hits = (0..<hits).map { Hit(key: "document-\($0)", score: 10 / Float($0 + 1)) }
    return .search(SearchResponse(hits: hits, total: Total(hits.count), tookMicroseconds: 250))
}
