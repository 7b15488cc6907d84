import SakuinCompression

extension BlockCompression {
    /// Appends the compressed bytes to `out`; false, and nothing appended, when they are not fewer.
    func compress(_ bytes: UnsafeRawBufferPointer, into out: inout ByteWriter) -> Bool {
        guard bytes.count > 1 else { return false }
        let before = out.count
        out.append(upTo: bytes.count - 1) {
            compress(bytes, into: UnsafeMutableRawBufferPointer(start: $0, count: bytes.count - 1))
        }
        return out.count > before
    }
}
