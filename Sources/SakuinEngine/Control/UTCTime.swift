#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A second of the calendar, for people and for names of files.
struct UTCTime: Sendable {
    private let parts: [Int]

    init(secondsSince1970 seconds: Int) {
        var seconds = time_t(seconds)
        var broken = tm()
        gmtime_r(&seconds, &broken)
        parts = [
            Int(broken.tm_year) + 1900, Int(broken.tm_mon) + 1, Int(broken.tm_mday), Int(broken.tm_hour),
            Int(broken.tm_min), Int(broken.tm_sec),
        ]
    }

    /// By the clock of the machine.
    static var now: UTCTime { UTCTime(secondsSince1970: Int(time(nil))) }

    private func digits(_ range: Range<Int>, _ separator: String) -> String {
        parts[range].map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: separator)
    }

    /// `2026-11-24T15:30:00Z`
    var text: String { digits(0..<3, "-") + "T" + digits(3..<6, ":") + "Z" }

    /// `20261124-153000`
    var fileName: String { digits(0..<3, "") + "-" + digits(3..<6, "") }
}
