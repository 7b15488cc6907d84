/// Columns a text takes on a terminal: two for East Asian wide and fullwidth characters and emoji, none for marks.
public enum DisplayWidth {
    /// Ranges of wide scalars, ascending (East_Asian_Width W and F, joined where only unassigned ones lie between).
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x23F0...0x23F0, 0x23F3...0x23F3,
        0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653, 0x267F...0x267F, 0x2693...0x2693, 0x26A1...0x26A1,
        0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5, 0x26CE...0x26CE, 0x26D4...0x26D4, 0x26EA...0x26EA,
        0x26F2...0x26F3, 0x26F5...0x26F5, 0x26FA...0x26FA, 0x26FD...0x26FD, 0x2705...0x2705, 0x270A...0x270B,
        0x2728...0x2728, 0x274C...0x274C, 0x274E...0x274E, 0x2753...0x2755, 0x2757...0x2757, 0x2795...0x2797,
        0x27B0...0x27B0, 0x27BF...0x27BF, 0x2B1B...0x2B1C, 0x2B50...0x2B50, 0x2B55...0x2B55, 0x2E80...0x303E,
        0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF,
        0x1F004...0x1F004, 0x1F0CF...0x1F0CF, 0x1F18E...0x1F18E, 0x1F191...0x1F19A, 0x1F200...0x1F320,
        0x1F32D...0x1F335, 0x1F337...0x1F37C, 0x1F37E...0x1F393, 0x1F3A0...0x1F3CA, 0x1F3E0...0x1F3F0,
        0x1F3F8...0x1F43E, 0x1F440...0x1F4FC, 0x1F4FF...0x1F53D, 0x1F550...0x1F567, 0x1F5FB...0x1F64F,
        0x1F680...0x1F6C5, 0x1F6D5...0x1F6DF, 0x1F7E0...0x1F7EB, 0x1F90C...0x1F9FF, 0x1FA70...0x1FAFF,
        0x20000...0x3FFFD,
    ]

    public static func of(_ scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 { return value < 0x20 || (0x7F..<0xA0).contains(value) || value == 0xAD ? 0 : 1 }
        var low = 0
        var high = wide.count
        while low < high {
            let middle = (low + high) / 2
            if wide[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        if low < wide.count, wide[low].contains(value) {
            // The voicing marks and tone marks inside the wide ranges combine.
            return isZero(scalar) ? 0 : 2
        }
        return isZero(scalar) ? 0 : 1
    }

    private static func isZero(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control, .lineSeparator, .paragraphSeparator: true
        default: (0x1160...0x11FF).contains(scalar.value)
        }
    }

    public static func of(_ text: some StringProtocol) -> Int {
        text.unicodeScalars.reduce(0) { $0 + of($1) }
    }

    /// The text cut to at most `columns` (with `…` when it was cut) and filled with blanks to exactly that many.
    public static func fit(_ text: String, columns: Int) -> String {
        var kept = String.UnicodeScalarView()
        var used = 0
        let full = of(text)
        let room = full > columns ? columns - 1 : columns
        for scalar in text.unicodeScalars {
            let width = of(scalar)
            if used + width > room { break }
            kept.append(scalar)
            used += width
        }
        var fitted = String(kept)
        if full > columns, columns > 0 {
            fitted += "…"
            used += 1
        }
        return fitted + String(repeating: " ", count: max(0, columns - used))
    }
}
