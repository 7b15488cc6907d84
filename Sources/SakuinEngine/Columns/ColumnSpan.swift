/// The values of a column that a text of a query stands for: one number, all moments of a day, or none when the text is a
/// fraction between two integers or lies beyond all of them.
///
/// Ranges are made of its two ends, so that `<` and `>=`, `<=` and `>`, and equality and its NOT part all values alike.
struct ColumnSpan {
    /// The least value that is not below the text; nil when all are.
    private let first: Int64?
    /// The greatest value that is not above the text; nil when all are.
    private let last: Int64?

    private static let dayMilliseconds: Int64 = 86_400_000

    /// nil when the text is no value of this kind.
    init?(_ text: String, _ kind: ColumnKind) {
        switch kind {
        case .integer:
            guard let number = DecimalText(text) else { return nil }
            (first, last) = (number.ceiling, number.floor)
        case .float:
            guard let value = Double(text), !value.isNaN else { return nil }
            first = ColumnSetWriter.ordered(value)
            last = first
        case .boolean:
            guard text == "true" || text == "false" else { return nil }
            first = text == "true" ? 1 : 0
            last = first
        case .date:
            guard let start = DateText.milliseconds(text) else { return nil }
            first = start
            // A day alone is all of it.
            last = text.utf8.count == 10 ? start + Self.dayMilliseconds - 1 : start
        case .keyword, .keywordSet: return nil
        }
    }

    /// Whether the text of a number, a date or a boolean may begin so.
    static func canBegin(with text: String) -> Bool {
        "true".hasPrefix(text) || "false".hasPrefix(text)
            || text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.:TZe ".utf8.contains($0) }
    }

    /// The least value of what begins with the span, or behind it; nil when there is none.
    func least(inclusive: Bool) -> Int64? {
        if inclusive { return first }
        guard let last else { return .min }
        return last == .max ? nil : last + 1
    }

    /// The greatest value of what ends with the span, or before it; nil when there is none.
    func greatest(inclusive: Bool) -> Int64? {
        if inclusive { return last }
        guard let first else { return .max }
        return first == .min ? nil : first - 1
    }
}

/// A decimal number as text, `-12`, `2.50` or `1e19`, and the integers beside it, without rounding through a double.
struct DecimalText {
    /// The least integer of 64 bits that is not below the number, nil when all are; the greatest that is not above it.
    let ceiling: Int64?
    let floor: Int64?

    init?(_ text: String) {
        var scanner = Scanner(text.utf8[...])
        guard scanner.scan() else { return nil }
        let digits = scanner.digits
        let whole = digits.count + scanner.exponent
        let hasFraction = scanner.exponent < 0
        // More digits than any integer of 64 bits has; `digits` begins with one that is not 0.
        guard whole <= 19 else {
            (ceiling, floor) = scanner.isNegative ? (.min, nil) : (nil, .max)
            return
        }
        var magnitude: UInt64 = 0
        for place in 0..<max(0, whole) {
            magnitude = magnitude * 10 + (place < digits.count ? UInt64(digits[place]) : 0)
        }
        let rest: UInt64 = hasFraction ? 1 : 0
        if scanner.isNegative {
            ceiling = Self.negated(magnitude) ?? .min
            floor = Self.negated(magnitude + rest)
        } else {
            ceiling = Int64(exactly: magnitude + rest)
            floor = Int64(exactly: magnitude) ?? .max
        }
    }

    private static func negated(_ magnitude: UInt64) -> Int64? {
        magnitude > Int64.min.magnitude ? nil : Int64(truncatingIfNeeded: 0 &- magnitude)
    }

    /// Reads `[+-] digits [. digits] [e [+-] digits]`, with digits on one side of the point at least.
    private struct Scanner {
        private var rest: Substring.UTF8View
        private(set) var isNegative = false
        /// Without zeros at either end; the number is they as an integer, times ten to the power of `exponent`.
        private(set) var digits: [UInt8] = []
        private(set) var exponent = 0

        /// No text that is kept is as long.
        private static let exponentMax = 1 << 40

        init(_ text: Substring.UTF8View) { rest = text }

        mutating func scan() -> Bool {
            isNegative = sign()
            let wholeCount = run()
            var count = wholeCount
            if take(UInt8(ascii: ".")) {
                let fractionCount = run()
                count += fractionCount
                exponent = -fractionCount
            }
            guard count > 0 else { return false }
            if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
                guard let power = power() else { return false }
                exponent += power
            }
            guard rest.isEmpty else { return false }
            while digits.last == 0 {
                digits.removeLast()
                exponent += 1
            }
            let zeroCount = digits.prefix { $0 == 0 }.count
            digits.removeFirst(zeroCount)
            if digits.isEmpty { (exponent, isNegative) = (0, false) }
            return true
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard rest.first == byte else { return false }
            rest.removeFirst()
            return true
        }

        private mutating func sign() -> Bool { take(UInt8(ascii: "+")) ? false : take(UInt8(ascii: "-")) }

        private mutating func digit() -> UInt8? {
            guard let next = rest.first, (0x30...0x39).contains(next) else { return nil }
            rest.removeFirst()
            return next - 0x30
        }

        /// Appends the digits that follow; returns how many.
        private mutating func run() -> Int {
            let before = digits.count
            while let next = digit() { digits.append(next) }
            return digits.count - before
        }

        private mutating func power() -> Int? {
            let isNegative = sign()
            guard let first = digit() else { return nil }
            var power = Int(first)
            while let next = digit() { power = min(Self.exponentMax, power * 10 + Int(next)) }
            return isNegative ? -power : power
        }
    }
}
