/// Makes and parses every file name the index uses.
enum FileName: Equatable {
    case segment(UInt64)
    /// Living documents of a segment as of a generation.
    case live(segment: UInt64, generation: UInt64)
    /// Journal whose first record has at least this sequence number.
    case journal(UInt64)
    case manifest(UInt64)

    static let lock = "LOCK"
    /// Files whose names begin so are left over from a process that ended before it was done.
    static let temporaryPrefix = "temporary-"

    static func segment(_ id: UInt64) -> String { FileName.segment(id).text }
    static func live(_ id: UInt64, _ generation: UInt64) -> String {
        FileName.live(segment: id, generation: generation).text
    }
    static func journal(_ sequence: UInt64) -> String { FileName.journal(sequence).text }
    static func manifest(_ generation: UInt64) -> String { FileName.manifest(generation).text }

    var text: String {
        switch self {
        case .segment(let id): "segment-\(Self.hex(id)).seg"
        case .live(let id, let generation): "live-\(Self.hex(id))-\(Self.hex(generation)).del"
        case .journal(let sequence): "journal-\(Self.hex(sequence)).log"
        case .manifest(let generation): "manifest-\(Self.hex(generation)).mft"
        }
    }

    /// nil for a name of another kind.
    init?(_ text: String) {
        guard let dot = text.lastIndex(of: ".") else { return nil }
        let parts = text[..<dot].split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.dropFirst().map(Self.number)
        guard let kind = parts.first, let first = numbers.first ?? nil else { return nil }
        switch (kind, text[dot...], numbers.count) {
        case ("segment", ".seg", 1): self = .segment(first)
        case ("journal", ".log", 1): self = .journal(first)
        case ("manifest", ".mft", 1): self = .manifest(first)
        case ("live", ".del", 2):
            guard let second = numbers[1] else { return nil }
            self = .live(segment: first, generation: second)
        default: return nil
        }
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func number(_ text: Substring) -> UInt64? {
        text.count == 16 && text.allSatisfy(\.isHexDigit) ? UInt64(text, radix: 16) : nil
    }
}
