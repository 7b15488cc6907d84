/// The mark that some editors and spreadsheets put before UTF-8 text (U+FEFF). It is no part of the text.
public enum ByteOrderMark {
    public static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// What a file holds besides a mark at its beginning.
    public static func without(_ file: [UInt8]) -> [UInt8] {
        file.starts(with: bytes) ? Array(file[bytes.count...]) : file
    }
}
