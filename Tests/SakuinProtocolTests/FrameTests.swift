// Frames whatever the cuts, and the arithmetic of credit.

import SakuinProtocol
import Testing

@Suite struct FrameTests {
    static let streamed: [FrameHeader.Kind] = [.request, .reply, .error, .data, .credit, .cancel]

    @Test(arguments: 0..<100 as Range<UInt64>)
    func framesComeBackWhateverTheCuts(seed: UInt64) {
        var random = WireRandom(seed: seed)
        var bytes: [UInt8] = []
        var sent: [ReadFrame] = []
        for _ in 0..<20 {
            let kind = random.pick(Self.streamed)
            let flags = kind == .data && random.flag() ? FrameHeader.endFlag : 0
            let stream = UInt32(1 + random.below(1 << 30))
            let payload = (0..<random.below(random.flag() ? 8 : 3000)).map { _ in UInt8(random.below(256)) }
            bytes += FrameHeader.frame(kind, flags: flags, stream: stream, payload)
            let header = FrameHeader(length: payload.count, kind: kind, flags: flags, stream: stream)
            sent.append(ReadFrame(header: header, payload: payload))
        }
        for pieceCount in [1, 11, 12, 13, 1 + random.below(500), bytes.count] {
            let (frames, error) = readFrames(bytes, pieceCount: pieceCount)
            #expect(error == nil)
            #expect(frames == sent)
        }
    }

    /// Headers of random bytes, with and without the magic, are read or refused, the same in pieces as whole.
    @Test(arguments: 0..<200 as Range<UInt64>)
    func randomBytesNeverTrap(seed: UInt64) {
        var random = WireRandom(seed: seed)
        var bytes: [UInt8] = []
        for _ in 0..<8 {
            var header = (0..<12).map { _ in UInt8(random.below(random.flag() ? 16 : 256)) }
            if random.below(8) > 0 { (header[6], header[7]) = (0x53, 0x4B) }
            if random.below(4) > 0 { (header[1], header[2], header[3]) = (0, 0, 0) }
            bytes += header + (0..<random.below(40)).map { _ in UInt8(random.below(256)) }
        }
        let whole = readFrames(bytes, pieceCount: bytes.count)
        let drip = readFrames(bytes, pieceCount: 1)
        #expect(whole.frames == drip.frames)
        #expect(whole.error == drip.error)
    }

    @Test func aLongLengthIsRefusedByItsHeader() {
        let header = [UInt8](FrameHeader.frame(.request, stream: 1, [UInt8](repeating: 0, count: 100)).prefix(12))
        #expect(readFrames(header, pieceCount: 12, lengthMax: 99).error == .tooLong(length: 100, limit: 99))
        #expect(readFrames(header, pieceCount: 12, lengthMax: 100).error == nil)
    }

    @Test func theLimitMayChangeBetweenFrames() {
        let bytes =
            FrameHeader.frame(.ping, stream: 0, [1]) + FrameHeader.frame(.ping, stream: 0, [1, 2, 3])
        var reader = FrameReader(lengthMax: 1)
        var lengths: [Int] = []
        let error = bytes.withUnsafeBytes { raw -> WireError? in
            do throws(WireError) {
                try reader.read(raw) { (header, _, limits) throws(WireError) in
                    lengths.append(header.length)
                    limits.lengthMax = 3
                }
                return nil
            } catch {
                return error
            }
        }
        #expect(error == nil)
        #expect(lengths == [1, 3])
        #expect(reader.pendingByteCount == 0)
    }
}

@Suite struct FlowControlTests {
    @Test func aMessageMayPassAlone() {
        var credit = SendCredit(10)
        #expect(credit.canSend)
        credit.spend(25)
        #expect(!credit.canSend)
        let isInLimit = [credit.give(14), credit.give(1)]
        #expect(isInLimit == [true, true])
        #expect(!credit.canSend)
        _ = credit.give(1)
        #expect(credit.canSend)
    }

    @Test func creditHasALimit() {
        var credit = SendCredit(1)
        let isInLimit = [credit.give(UInt32(Int32.max) - 1), credit.give(1)]
        #expect(isInLimit == [true, false])
        // A handshake that says more does not make what is given back a breach.
        var most = SendCredit(.max)
        most.spend(10)
        let isRight = [most.give(10), most.give(1)]
        #expect(isRight == [true, false])
    }

    @Test func noCreditForTheReceiverIsABreach() {
        var credit = ReceiveCredit(10)
        let before = [credit.receive(12), credit.receive(1)]
        #expect(before == [true, false])
        let released = credit.release(12)
        #expect(released == 12)
        let after = [credit.receive(10), credit.receive(1)]
        #expect(after == [true, false])
    }

    @Test func smallReleasesAreGathered() {
        var credit = ReceiveCredit(100)
        let taken = (0..<4).map { _ in credit.receive(10) }
        #expect(taken == [true, true, true, true])
        let released = (0..<4).map { _ in credit.release(10) }
        #expect(released == [nil, nil, 30, nil])
    }

    /// Two ends that follow the rules never breach them, and everything arrives.
    @Test(arguments: 0..<50 as Range<UInt64>)
    func twoEnds(seed: UInt64) {
        var random = WireRandom(seed: seed)
        let initial = UInt32(1 + random.below(1000))
        var sender = SendCredit(initial)
        var receiver = ReceiveCredit(initial)
        var underWay: [Int] = []
        var left = 500
        while left > 0 || !underWay.isEmpty {
            if left > 0, sender.canSend, random.flag() {
                let byteCount = 1 + random.below(700)
                sender.spend(byteCount)
                let hadCredit = receiver.receive(byteCount)
                #expect(hadCredit)
                underWay.append(byteCount)
                left -= 1
            } else if !underWay.isEmpty {
                if let credit = receiver.release(underWay.removeFirst()) {
                    let isWithinLimit = sender.give(credit)
                    #expect(isWithinLimit)
                }
            } else if !sender.canSend {
                Issue.record("Both ends wait for each other.")
                return
            }
        }
    }
}
