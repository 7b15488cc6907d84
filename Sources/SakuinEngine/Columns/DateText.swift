/// Dates and instants as text: `2023-11-09`, `2023-11-09T08:30[:05[.250]][Z|+08:00]` (RFC 3339 and shorter forms).
enum DateText {
    /// Milliseconds since 1970-01-01T00:00Z; nil when the text is no date. Without a zone it is UTC.
    static func milliseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count >= 10, text.count <= 40 else { return nil }
        var scanner = Scanner(text)
        guard let year = scanner.number(4), scanner.take("-"), let month = scanner.number(2), scanner.take("-"),
            let day = scanner.number(2), (1...12).contains(month), day >= 1, day <= days(in: month, year)
        else { return nil }
        let midnight = dayNumber(year, month, day) * 86_400_000
        if scanner.isAtEnd { return midnight }
        guard scanner.take("T") || scanner.take("t") || scanner.take(" "), let hour = scanner.number(2), hour < 24,
            scanner.take(":"), let minute = scanner.number(2), minute < 60
        else { return nil }
        var time = (hour * 60 + minute) * 60_000
        if scanner.take(":") {
            guard let second = scanner.number(2), second <= 60 else { return nil }
            time += second * 1000
            if scanner.take(".") {
                guard let fraction = scanner.fraction() else { return nil }
                time += fraction
            }
        }
        guard let offset = scanner.zone(), scanner.isAtEnd else { return nil }
        return midnight + time - offset
    }

    static func milliseconds(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { milliseconds(UnsafeRawBufferPointer($0)) }
    }

    private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func days(in month: Int64, _ year: Int64) -> Int64 {
        month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
    /// algorithms").
    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private struct Scanner {
        let text: UnsafeRawBufferPointer
        var at = 0

        init(_ text: UnsafeRawBufferPointer) { self.text = text }

        var isAtEnd: Bool { at == text.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard at < text.count, UInt32(text[at]) == character.value else { return false }
            at += 1
            return true
        }

        mutating func number(_ digits: Int) -> Int64? {
            guard text.count - at >= digits else { return nil }
            var value: Int64 = 0
            for _ in 0..<digits {
                guard (0x30...0x39).contains(text[at]) else { return nil }
                value = value * 10 + Int64(text[at] - 0x30)
                at += 1
            }
            return value
        }

        /// One to nine digits behind the point, as milliseconds.
        mutating func fraction() -> Int64? {
            var value: Int64 = 0
            var scale: Int64 = 100
            var count = 0
            while at < text.count, (0x30...0x39).contains(text[at]), count < 9 {
                value += Int64(text[at] - 0x30) * scale
                scale /= 10
                at += 1
                count += 1
            }
            return count > 0 ? value : nil
        }

        /// `Z`, an offset, or nothing; in milliseconds.
        mutating func zone() -> Int64? {
            if isAtEnd || take("Z") || take("z") { return 0 }
            let sign: Int64
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hours = number(2), hours < 24 else { return nil }
            _ = take(":")
            guard let minutes = number(2), minutes < 60 else { return nil }
            return sign * (hours * 60 + minutes) * 60_000
        }
    }
}
