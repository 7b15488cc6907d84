// Requests of which messages would take many times the memory of their bytes.

import SakuinTypes
import Testing

@testable import SakuinProtocol

@Suite struct RequestLimitTests {
    private static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(number << 3 | 2)]
        var length = content.count
        while length >= 0x80 {
            bytes.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        return bytes + [UInt8(length)] + content
    }

    private static func empty(_ number: Int, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 2 * count) { bytes, used in
            for at in 0..<count { (bytes[2 * at], bytes[2 * at + 1]) = (UInt8(number << 3 | 2), 0) }
            used = 2 * count
        }
    }

    private static func refusal(_ request: [UInt8]) -> SakuinError? {
        do throws(SakuinError) {
            let result: Result<WireRequest, SakuinError> = request.withUnsafeBytes { bytes in
                Result { () throws(SakuinError) in try WireCodec.decodeRequest(bytes) }
            }
            _ = try result.get()
            return nil
        } catch {
            return error
        }
    }

    private static func refusal(batch: [UInt8]) -> SakuinError? {
        let result: Result<WriteBatch, SakuinError> = batch.withUnsafeBytes { bytes in
            Result { () throws(SakuinError) in
                try WireCodec.decodeBatch(bytes, acknowledge: .disk, rejection: .eachOperation)
            }
        }
        guard case .failure(let error) = result else { return nil }
        return error
    }

    @Test func emptyElementsAreCountedBeforeTheyAreMade() {
        let many = RequestLimits.byteCountMax / 2 + 1
        for number in [2, 3] {
            let elements = Self.empty(number, many)
            for error in [
                Self.refusal(batch: elements), Self.refusal(Self.field(6, Self.field(2, elements))),
                // Protobuf makes one of two.
                Self.refusal(Self.field(6, Self.field(2, elements)) + Self.field(6, Self.field(2, [16, 1]))),
            ] {
                #expect(error?.code == .invalidArgument && error?.field == "operations")
                #expect(error?.limit == "100000" && error?.value == "\(many)")
            }
        }
        let keys = Self.refusal(Self.field(8, Self.empty(2, many)))
        #expect(keys?.field == "keys" && keys?.limit == "100000" && keys?.value == "\(many)")
    }

    @Test func otherCallsAreShort() {
        let text = String(repeating: "a", count: RequestLimits.byteCountMax)
        for call in [
            WireCall.search(index: "i", SearchRequest(.text(text))),
            .search(index: "i", SearchRequest(.tree(.text(text, fields: [])))),
            .export(index: text, pointInTime: nil),
        ] {
            let error = Self.refusal(WireCodec.encode(WireRequest(call)))
            #expect(error?.code == .invalidArgument && error?.field == "length" && error?.limit == "1048576")
        }
        let short = SearchRequest(.text(String(text.dropLast(100))))
        #expect(Self.refusal(WireCodec.encode(WireRequest(.search(index: "i", short)))) == nil)
    }

    @Test func whatMayBeLongIs() {
        let keys = (0..<SearchRequest.windowMax).map { "a key of some length \($0)" }
        #expect(Self.refusal(WireCodec.encode(WireRequest(.get(index: "i", keys: keys, ReadMoment())))) == nil)
        let deletions = keys.map { WriteOperation.delete($0) }
        #expect(Self.refusal(WireCodec.encode(WireRequest(.write(index: "i", WriteBatch(deletions))))) == nil)
        #expect(Self.refusal(batch: WireCodec.encode(deletions)) == nil)
        let puts = keys.map { WriteOperation.putJSON(Array("{\"id\":\"\($0)\"}".utf8), keyField: "id") }
        #expect(Self.refusal(batch: WireCodec.encode(puts)) == nil)
        #expect(Self.refusal(batch: WireCodec.encode(puts + [.delete("a")]))?.field == "operations")
    }

    @Test func whatIsCutShortIsNoMessage() {
        let long = [UInt8](repeating: 0, count: RequestLimits.byteCountMax)
        for bytes in [
            Self.field(6, long).dropLast(), Self.field(6, [0x12, 0xFF] + long), [0x0B] + long, [0x0D] + long + [0x0D],
        ] {
            #expect(Self.refusal(Array(bytes))?.field == "payload")
        }
    }
}
