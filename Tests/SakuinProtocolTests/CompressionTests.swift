// Compressed payloads: what is compressed, that it comes back, and what is refused.

import SakuinTypes
import Testing

@testable import SakuinProtocol

@Suite struct CompressionTests {
    /// Payloads of every kind: noise, text, runs; around the least length and longer.
    private static func payload(_ random: inout WireRandom) -> [UInt8] {
        let count = random.pick([0, 1, 100, 1_023, 1_024, 1_025, 4_000, 40_000]) + random.below(100)
        switch random.below(4) {
        case 0: return (0..<count).map { _ in UInt8(random.below(256)) }
        case 1: return [UInt8](repeating: UInt8(random.below(256)), count: count)
        case 2:
            var text: [UInt8] = []
            while text.count < count { text += random.text().utf8 }
            return text
        default:
            // Nearly an eighth less, or a little more than that.
            let run = count / 8 + random.below(60) - 30
            return (0..<count).map { _ in UInt8(random.below(256)) } + [UInt8](repeating: 7, count: max(0, run))
        }
    }

    private func payload(
        _ content: [UInt8], kind: FrameHeader.Kind = .request, flags: UInt8 = FrameHeader.compressedFlag
    ) -> FramePayload {
        content.withUnsafeBytes { FramePayload(FrameHeader(length: $0.count, kind: kind, flags: flags, stream: 1), $0) }
    }

    private func length(_ count: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(count).littleEndian) { Array($0) } }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func framesComeBackWhateverTheCuts(seed: UInt64) throws {
        for compression in [nil, FrameCompression.lz4] {
            var random = WireRandom(seed: seed)
            var bytes: [UInt8] = []
            var sent: [(header: FrameHeader, content: [UInt8])] = []
            for stream in 1...12 {
                let kind = random.pick([FrameHeader.Kind.request, .reply, .data])
                let end = kind == .data && random.flag() ? FrameHeader.endFlag : 0
                let content = Self.payload(&random)
                let payload = FramePayload(content).compressed(by: compression)
                let flags = end | payload.flags
                bytes += FrameHeader.frame(kind, flags: flags, stream: UInt32(stream), payload.bytes)
                let header = FrameHeader(
                    length: payload.bytes.count, kind: kind, flags: flags, stream: UInt32(stream))
                sent.append((header, content))
            }
            let (frames, error) = readFrames(
                bytes, pieceCount: 1 + random.below(random.flag() ? 20 : 20_000), compression: compression)
            #expect(error == nil, "seed \(seed)")
            #expect(frames.map(\.header) == sent.map(\.header), "seed \(seed)")
            let contents = try frames.map { try $0.content() }
            #expect(contents == sent.map(\.content), "seed \(seed)")
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func onlyWhatSavesAnEighthIsCompressed(seed: UInt64) {
        var random = WireRandom(seed: seed)
        let content = Self.payload(&random)
        let payload = FramePayload(content).compressed(by: .lz4)
        #expect(payload.contentByteCount == content.count)
        if payload.isCompressed {
            #expect(content.count >= 1_024 && payload.bytes.count <= content.count - content.count / 8, "seed \(seed)")
            #expect(payload.compressed(by: .lz4) == payload)
        } else {
            #expect(payload.bytes == content)
        }
    }

    @Test func whatIsCompressed() {
        let zeros = FramePayload([UInt8](repeating: 0, count: 1_024))
        #expect(zeros.compressed(by: .lz4).isCompressed)
        #expect(!FramePayload([UInt8](repeating: 0, count: 1_023)).compressed(by: .lz4).isCompressed)
        #expect(!zeros.compressed(by: nil).isCompressed)
        #expect(!zeros.compressed(by: FrameCompression(rawValue: 9)).isCompressed)
        var random = WireRandom(seed: 1)
        let noise = (0..<100_000).map { _ in UInt8(random.below(256)) }
        #expect(!FramePayload(noise).compressed(by: .lz4).isCompressed)
    }

    @Test func theBestKnownOfferIsTaken() {
        let other = FrameCompression(rawValue: 9)
        #expect(FrameCompression.chosen(of: []) == nil)
        #expect(FrameCompression.chosen(of: [other]) == nil)
        #expect(FrameCompression.chosen(of: [other, .lz4, .lz4]) == .lz4)
    }

    /// Only what a frame says of itself is looked at: nothing is decompressed.
    @Test func lengthsThatCannotBeAreRefusedAtOnce() {
        let block = [UInt8](repeating: 0, count: 96)
        let cases: [(name: String, payload: [UInt8], error: WireError?)] = [
            ("no payload", [], .badCompression(declared: 0, byteCount: 0)),
            ("no block", length(100), .badCompression(declared: 0, byteCount: 4)),
            ("half a length", [9, 9], .badCompression(declared: 0, byteCount: 2)),
            ("zero", length(0) + block, .badCompression(declared: 0, byteCount: 100)),
            ("as long", length(100) + block, .badCompression(declared: 100, byteCount: 100)),
            ("shorter", length(101) + block, nil), ("the most", length(96 * 255) + block, nil),
            ("more than the most", length(96 * 255 + 1) + block, .badCompression(declared: 24_481, byteCount: 100)),
            ("over the limit", length(30_001) + block, .tooLong(length: 30_001, limit: 30_000)),
            ("4 GiB", length(0xFFFF_FFFF) + block, .tooLong(length: 0xFFFF_FFFF, limit: 30_000)),
        ]
        for (name, payload, expected) in cases {
            let frame = FrameHeader.frame(.data, flags: FrameHeader.compressedFlag, stream: 1, payload)
            for pieceCount in [frame.count, 1] {
                let (_, error) = readFrames(frame, pieceCount: pieceCount, lengthMax: 30_000, compression: .lz4)
                #expect(error == expected, "\(name)")
            }
        }
        // The limit of all is below any that is said in the handshake.
        let long = FrameHeader.frame(
            .data, flags: FrameHeader.compressedFlag, stream: 1,
            length((64 << 20) + 1) + [UInt8](repeating: 0, count: 1 << 19))
        let (_, error) = readFrames(long, pieceCount: long.count, lengthMax: .max, compression: .lz4)
        #expect(error == .tooLong(length: (64 << 20) + 1, limit: 64 << 20))
    }

    @Test func theFlagStandsWhereItMayOnly() {
        let content = FramePayload([UInt8](repeating: 1, count: 2_000)).compressed(by: .lz4)
        for kind in FrameHeader.Kind.allCases {
            let stream: UInt32 = [.hello, .welcome, .ping, .pong, .goAway].contains(kind) ? 0 : 1
            let frame = FrameHeader.frame(kind, flags: FrameHeader.compressedFlag, stream: stream, content.bytes)
            let isAllowed = [.request, .reply, .data].contains(kind)
            let (_, error) = readFrames(frame, pieceCount: frame.count, compression: .lz4)
            #expect(error == (isAllowed ? nil : .unknownFlags(2)), "\(kind)")
            #expect(readFrames(frame, pieceCount: frame.count).error == .unknownFlags(2), "\(kind)")
        }
    }

    /// A block that was changed is refused or makes something of the same length; no block traps.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func damagedBlocksAreRefused(seed: UInt64) {
        var random = WireRandom(seed: seed)
        var text: [UInt8] = []
        while text.count < 2_000 { text += random.text().utf8 }
        var bytes = FramePayload(text).compressed(by: .lz4).bytes
        for _ in 0...random.below(4) { bytes[4 + random.below(bytes.count - 4)] = UInt8(random.below(256)) }
        if random.flag() { bytes.removeLast(1 + random.below(20)) }
        do {
            #expect(try payload(bytes).content().count == text.count, "seed \(seed)")
        } catch {
            #expect(error.code == .invalidArgument && error.field == "payload", "seed \(seed)")
        }
    }

    /// liblz4 lets a match at offset 0 through. It shows nothing of what stood in memory.
    @Test func aMatchOfNothingIsNothing() {
        // A literal, a match of 100 bytes at offset 0, five literals.
        let block: [UInt8] = [0x1F, 0x61, 0, 0, 81, 0x50, 0x62, 0x63, 0x64, 0x65, 0x66]
        // What the allocator would give again.
        var stale = [UInt8](repeating: 0xAB, count: 106)
        stale.removeAll()
        if let content = try? payload(length(106) + block).content() {
            #expect(content == [0x61] + [UInt8](repeating: 0, count: 100) + [0x62, 0x63, 0x64, 0x65, 0x66])
        }
    }

    @Test func whatWasSaidStaysSaid() throws {
        var hello = Hello(client: "c", frameByteCountMax: 1, streamCredit: 1)
        for offered in [[], [.lz4], [FrameCompression(rawValue: 77), .lz4]] {
            hello.compressions = offered
            #expect(try WireCodec.encode(hello).withUnsafeBytes { try WireCodec.decodeHello($0) } == hello)
        }
        for chosen in [nil, .lz4, FrameCompression(rawValue: 77)] {
            let welcome = Welcome(
                server: "s", frameByteCountMax: 1, streamCredit: 1, streamCountMax: 1, compression: chosen)
            #expect(try WireCodec.encode(welcome).withUnsafeBytes { try WireCodec.decodeWelcome($0) } == welcome)
        }
    }
}
