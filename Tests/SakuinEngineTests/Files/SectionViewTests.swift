// Sections of many checked blocks: whatever is read was verified, wherever it begins and ends.

import Testing

@testable import SakuinEngine

@Suite struct SectionViewTests {
    private static let block = SectionView.checkedByteCount

    /// A section of so many blocks and a few bytes, of which one does not verify.
    private func section(blocks: Int, damaged: Int) -> SectionView {
        let bytes = [UInt8](repeating: 7, count: blocks * Self.block + 100)
        var checksums = bytes.withUnsafeBytes { raw in
            stride(from: 0, to: raw.count, by: Self.block).map {
                CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[$0..<min($0 + Self.block, raw.count)]))
            }
        }
        checksums[damaged] ^= 1
        return SectionView(
            owner: MappedFile(copying: bytes), file: "test", offset: 0, count: bytes.count, checksums: checksums)
    }

    @Test(arguments: [0, 1, 62, 63, 64, 65, 127, 128, 140]) func aDamagedBlockIsFoundInWhateverReachesIntoIt(
        damaged: Int
    ) throws {
        let view = section(blocks: 140, damaged: damaged)
        for first in [0, 1, 62, 63, 64, 65, 100, 127, 128, 139, 140] {
            for last in [0, 1, 61, 62, 63, 64, 65, 126, 127, 128, 129, 140] where last >= first {
                // From the last byte of the first block to the first byte of the last one.
                let from = min(first * Self.block + (last > first ? Self.block - 1 : 0), view.count - 1)
                let count = last * Self.block + 1 - from
                var isDamaged = false
                do { _ = try view.start(from, count) } catch { isDamaged = true }
                #expect(isDamaged == (first...last).contains(damaged), "\(first) to \(last)")
            }
        }
    }

    @Test func whatIsNotThereIsRefused() throws {
        let view = section(blocks: 1, damaged: 1)
        #expect(throws: (any Error).self) { try view.start(-1, 1) }
        #expect(throws: (any Error).self) { try view.start(0, -1) }
        #expect(throws: (any Error).self) { try view.start(view.count, 1) }
        #expect(throws: (any Error).self) { try view.start(1, .max) }
        _ = try view.start(view.count, 0)
    }
}
