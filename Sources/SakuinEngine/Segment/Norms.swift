/// The norms section: the length code of each document, by text field.
///
/// u32 fields; per field u32 number, u64 offset in the section; then per field one byte a document.
enum NormsSection {
    static func write(_ norms: [(field: Int, codes: [UInt8])], documentCount: Int, into out: inout ByteWriter) {
        out.append32(UInt32(norms.count))
        var offset = 4 + norms.count * 12
        for (field, _) in norms {
            out.append32(UInt32(field))
            out.append64(UInt64(offset))
            offset += documentCount
        }
        for (_, codes) in norms {
            codes.withUnsafeBytes { out.append(bytes: $0) }
            for _ in codes.count..<max(documentCount, codes.count) { out.append(0) }
        }
    }

    /// By field number, up to the last that has any, the offset of its length codes in the section.
    static func readOffsets(_ section: SectionView, documentCount: Int) throws(StorageError) -> [Int?] {
        let head = try section.bytes(0, min(section.count, SegmentLayout.fieldCountMax * 12 + 4))
        var reader = ByteReader(head, file: section.file, base: section.fileOffset)
        let count = Int(try reader.read32())
        guard count <= SegmentLayout.fieldCountMax else { throw reader.corrupt("\(count) fields with norms") }
        var offsets: [Int?] = []
        for _ in 0..<count {
            let field = Int(try reader.read32())
            let offset = try reader.read64()
            guard field < SegmentLayout.fieldCountMax, offset <= UInt64(section.count),
                section.count - Int(offset) >= documentCount
            else { throw reader.corrupt("norms of field \(field) out of place") }
            while offsets.count <= field { offsets.append(nil) }
            offsets[field] = Int(offset)
        }
        return offsets
    }
}
