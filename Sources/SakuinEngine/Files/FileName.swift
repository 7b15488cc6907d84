/// Makes and parses every file name the index uses.
enum FileName: Equatable, Sendable {
    case segment(id: UInt64)
    /// Living documents of a segment as of a generation.
    case live(of: UInt64, generation: UInt64)
    /// Journal whose first record has at least this sequence number.
    case journal(firstSequence: UInt64)
    case manifest(generation: UInt64)
    /// The same once more, since there is no other.
    case manifestCopy(generation: UInt64)
    /// Says that a segment was found damaged while it was served.
    case mark(of: UInt64)
    /// Being written; worthless after a crash.
    case temporary

    /// Numbers of files and batches are below this, so that one more never overflows.
    static let numberMax: UInt64 = 1 << 62

    static let lockName = "LOCK"
    static let quarantineFolder = "quarantine"
    /// Files whose names begin so are left over from a process that ended before it was done.
    static let temporaryPrefix = "temporary-"

    static func segment(_ id: UInt64) -> String { "segment-\(hex(id)).seg" }
    static func live(segment: UInt64, generation: UInt64) -> String { "live-\(hex(segment))-\(hex(generation)).del" }
    static func journal(_ firstSequence: UInt64) -> String { "journal-\(hex(firstSequence)).log" }
    static func manifest(_ generation: UInt64) -> String { "manifest-\(hex(generation)).mft" }
    static func manifestCopy(_ generation: UInt64) -> String { "manifest-\(hex(generation)).copy" }
    static func mark(segment: UInt64) -> String { "damaged-\(hex(segment)).txt" }
    static func temporary(_ name: String) -> String { temporaryPrefix + name }
    static func quarantined(_ name: String) -> String { "\(quarantineFolder)/\(name)" }

    /// What a name means; nil when the index did not make it.
    init?(_ name: String) {
        if name.utf8.starts(with: Self.temporaryPrefix.utf8) {
            self = .temporary
        } else if let numbers = Self.numbers(name, "segment-", ".seg", 1) {
            self = .segment(id: numbers[0])
        } else if let numbers = Self.numbers(name, "live-", ".del", 2) {
            self = .live(of: numbers[0], generation: numbers[1])
        } else if let numbers = Self.numbers(name, "journal-", ".log", 1) {
            self = .journal(firstSequence: numbers[0])
        } else if let numbers = Self.numbers(name, "manifest-", ".mft", 1) {
            self = .manifest(generation: numbers[0])
        } else if let numbers = Self.numbers(name, "manifest-", ".copy", 1) {
            self = .manifestCopy(generation: numbers[0])
        } else if let numbers = Self.numbers(name, "damaged-", ".txt", 1) {
            self = .mark(of: numbers[0])
        } else {
            return nil
        }
    }

    /// 16 lower-case hexadecimal digits.
    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// The numbers between prefix and suffix, joined by hyphens; nil unless written exactly as `hex` does and below
    /// `numberMax`.
    private static func numbers(_ name: String, _ prefix: String, _ suffix: String, _ count: Int) -> [UInt64]? {
        let bytes = Array(name.utf8)
        guard bytes.count == prefix.utf8.count + suffix.utf8.count + count * 17 - 1,
            bytes.starts(with: prefix.utf8), bytes.reversed().starts(with: suffix.utf8.reversed())
        else { return nil }
        var values: [UInt64] = []
        var at = prefix.utf8.count
        for index in 0..<count {
            if index > 0 {
                guard bytes[at] == UInt8(ascii: "-") else { return nil }
                at += 1
            }
            var value: UInt64 = 0
            for digit in bytes[at..<(at + 16)] {
                switch digit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
                default: return nil
                }
            }
            guard value < numberMax else { return nil }
            values.append(value)
            at += 16
        }
        return values
    }
}
