import Testing

@testable import SakuinEngine

@Suite struct LiveDocumentsTests {
    private func decode(_ bytes: [UInt8], _ documentCount: Int) throws -> LiveDocuments {
        try MappedFile(copying: bytes).withBytes { (bytes) throws(StorageError) in
            try LiveDocuments.decode(bytes, file: "live", documentCount: documentCount)
        }
    }

    @Test(arguments: [0, 1, 63, 64, 65, 1000]) func deletingAndBack(documentCount: Int) throws {
        var random = StorageRandom(UInt64(documentCount))
        var live = LiveDocuments(documentCount: documentCount, dead: [])
        var model = Set(0..<documentCount)
        #expect(live.liveCount == documentCount)
        for _ in 0..<6 {
            let dead = (0..<20).map { _ in UInt32(random.next(below: documentCount + 10)) }
            let before = live
            live = live.deleting(dead)
            #expect(before.liveCount == model.count, "the value before stays as it was")
            model.subtract(dead.map(Int.init))
            #expect(live.liveCount == model.count)
            for document in 0..<(documentCount + 70) {
                #expect(live.isLive(UInt32(document)) == model.contains(document))
            }
            let found = try decode(live.encode().array(), documentCount)
            #expect(found.liveCount == model.count)
            #expect((0..<documentCount).allSatisfy { found.isLive(UInt32($0)) == model.contains($0) })
        }
    }

    @Test func damageIsFound() throws {
        let bytes = LiveDocuments(documentCount: 100, dead: [3, 50]).encode().array()
        #expect(throws: StorageError.self) { try decode(bytes, 101) }
        for length in 0..<bytes.count {
            #expect(throws: StorageError.self) { try decode(Array(bytes.prefix(length)), 100) }
        }
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let error = #expect(throws: StorageError.self) { try decode(damaged, 100) }
            #expect(error?.isDamage == true, "bit \(bit) is taken for another format")
        }
    }
}
