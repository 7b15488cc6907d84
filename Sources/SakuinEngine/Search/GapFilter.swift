/// Tells of most documents by their coded bytes, before they are decoded and normalised, that a text cannot occur in them:
/// of two characters with a gap between, that one never stands behind the other with nothing between but what a gap
/// can be made of.
///
/// An automaton runs over the codes; what a code does in each state is worked out when it is first met. Whatever may
/// become a character in the normal form without being one (㊥, ｶ, a mark that joins the letter before it) says yes. Not
/// `Sendable`: of one search of one segment.
final class GapFilter {
    /// What a character or byte does.
    private enum Kind {
        /// It can be no part of a gap.
        case other
        case first, second
        /// A part of a gap.
        case gap
        /// It vanishes, or may be a part of a gap that has others.
        case nothing
        /// Nobody knows.
        case any
    }
    /// States: 0; 1 behind the first character; 2 behind that and what may be a gap. Four bits for each: the next one, and
    /// bit 2 when the text may be there. Bit 15: known.
    private typealias Step = UInt16
    private static let known: Step = 1 << 15
    private static let isThere: Step = 4

    private let first: UInt32
    private let second: UInt32
    private let blanksVanish: Bool
    private let table: SymbolTable?
    /// By symbol of the table, or without one by byte, then by scalar of the pages U+20xx, U+30xx and U+FFxx.
    private var steps: [Step]
    private let characters = CharacterTable.shared

    /// For documents coded by `table`, or by `StoredTextCode`; nil when the pattern has no two characters with a gap between
    /// or may be written in other ways.
    init?(_ text: ReadText, _ table: SymbolTable?) {
        guard case .cjk = text.analyzer.kind, !text.pattern.spellings.areSeveral,
            let (first, second) = Self.charactersAroundGap(text.pattern.units)
        else { return nil }
        self.first = first
        self.second = second
        blanksVanish =
            text.analyzer.breaks != .strict && !(CharacterTable.isHangul(first) && CharacterTable.isHangul(second))
        self.table = table
        steps = [Step](repeating: 0, count: table?.symbols.count ?? 4 * 256)
    }

    private static func charactersAroundGap(_ units: [TextPattern.Element]) -> (UInt32, UInt32)? {
        for (a, b) in zip(units, units.dropFirst()) where b.position == a.position + 3 {
            if case .character(let first) = a.unit, case .character(let second) = b.unit { return (first, second) }
        }
        return nil
    }

    /// Whether the text may occur in a document of these bytes, as the store has them; also when they are damaged.
    func mayOccur(in coded: UnsafeRawBufferPointer) -> Bool {
        guard let start = coded.baseAddress else { return false }
        return table.map { mayOccur($0, start, start + coded.count) } ?? mayOccur(start, start + coded.count)
    }

    @inline(__always)
    private static func run(_ step: Step, _ state: inout Step) -> Bool {
        let outcome = step &>> (4 &* state)
        state = outcome & 3
        return outcome & isThere != 0
    }

    private func mayOccur(_ table: SymbolTable, _ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
        let (oneByteCount, symbolCount) = (table.oneByteCount, steps.count)
        return steps.withUnsafeMutableBufferPointer { steps in
            var at = start
            var state: Step = 0
            while at < end {
                var number = Int(at.load(as: UInt8.self))
                at += 1
                if number >= oneByteCount {
                    guard at < end else { return true }
                    let low = at.load(as: UInt8.self)
                    at += 1
                    if number == Int(SymbolTable.escape) {
                        let unit = SymbolTable.escapedUnit(low, &at, end)
                        if Self.run(step(kind(unit)), &state) { return true }
                        continue
                    }
                    number = oneByteCount &+ (number &- oneByteCount) &<< 8 &+ Int(low)
                }
                guard number < symbolCount else { return true }
                if steps[number] == 0 { steps[number] = step(table.symbols[number]) }
                if Self.run(steps[number], &state) { return true }
            }
            return false
        }
    }

    private func mayOccur(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
        let (first, second) = (first, second)
        return steps.withUnsafeMutableBufferPointer { steps in
            var units = StoredTextCode.Units(start, end)
            var state: Step = 0
            while let unit = units.next() {
                let scalar = UInt32(unit)
                if Normalizer.isPlainCJK(scalar), scalar != first, scalar != second {
                    // Most characters are such.
                    state = 0
                } else if let place = Self.place(unit) {
                    if steps[place] == 0 { steps[place] = step(kind(unit)) }
                    if Self.run(steps[place], &state) { return true }
                } else if Self.run(step(kind(unit)), &state) {
                    return true
                }
            }
            return units.isDamaged
        }
    }

    /// In `steps`, without a table.
    @inline(__always)
    private static func place(_ unit: UInt16) -> Int? {
        let (page, low) = (unit &>> 8, Int(unit & 255))
        return switch page {
        case 0: low
        case 0x20: 256 &+ low
        case 0x30: 512 &+ low
        case 0xFF: 768 &+ low
        default: nil
        }
    }

    /// What the units of a symbol do one behind the other.
    @inline(never)
    private func step(_ symbol: SymbolTable.Symbol) -> Step {
        let one = step(kind(symbol.first))
        guard let unit = symbol.second else { return one }
        let two = step(kind(unit))
        var both = Self.known
        for start: Step in 0...2 {
            var state = start
            var isThere = Self.run(one, &state)
            if Self.run(two, &state) { isThere = true }
            both |= (state | (isThere ? Self.isThere : 0)) << (4 * start)
        }
        return both
    }

    /// For states 2, 1 and 0.
    @inline(__always)
    private func step(_ kind: Kind) -> Step {
        switch kind {
        case .other: Self.known
        case .first: Self.known | 0x111
        // The same character may be both.
        case .second: Self.known | (first == second ? 0x511 : 0x400)
        case .gap: Self.known | 0x220
        case .nothing: Self.known | 0x210
        case .any: Self.known | 0x444
        }
    }

    /// Of a unit of `SymbolTable`.
    @inline(__always)
    private func kind(_ unit: UInt16) -> Kind {
        unit < 256 ? kind(ofByte: UInt8(truncatingIfNeeded: unit)) : kind(of: UInt32(unit))
    }

    /// Of a byte that is no part of a character of three bytes.
    @inline(__always)
    private func kind(ofByte byte: UInt8) -> Kind {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            .other
        case UInt8(ascii: " "): blanksVanish ? .nothing : .gap
        // It may begin a character beyond U+FFFF.
        case 0xF0...0xF4: .any
        default: .gap
        }
    }

    @inline(__always)
    private func kind(of scalar: UInt32) -> Kind {
        if scalar == second { return .second }
        if scalar == first { return .first }
        let entry = characters.entry(scalar)
        if entry & CharacterTable.slowBit != 0 { return .any }
        switch CharacterTable.kind(entry) {
        case CharacterTable.Class.cjk, CharacterTable.Class.hangul:
            return entry & CharacterTable.scalarMask == scalar ? .other : .any
        case CharacterTable.Class.several:
            let parts = characters.expansions[Int(entry & CharacterTable.scalarMask)]
            return parts.contains { CharacterTable.isCJK($0) } ? .any : .gap
        case CharacterTable.Class.blank: return blanksVanish ? .nothing : .gap
        case CharacterTable.Class.gone: return .nothing
        default: return .gap
        }
    }
}
