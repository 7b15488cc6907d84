// The normal form of exact search by brute force: the oracle of the property tests, independent of the engine's tables.

import Foundation
public import SakuinTypes

/// One unit or gap of a normal form.
public enum NaiveUnit: Hashable, Sendable {
    case character(Unicode.Scalar)
    case word(String)
    case gap
}

public enum NaiveText {
    private enum Kind {
        case cjk, hangul, word, blank, separator
    }

    private static func isCJK(_ c: UInt32) -> Bool {
        switch c {
        case 0x2E80...0x2FD5, 0x3005, 0x3007, 0x3021...0x3029, 0x3038...0x303B, 0x3041...0x3096, 0x309D...0x309F,
            0x30A1...0x30FA, 0x30FC...0x30FF, 0x3105...0x312F, 0x31A0...0x31BF, 0x31F0...0x31FF, 0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xF900...0xFAD9, 0xFF66...0xFF6F, 0xFF71...0xFF9D, 0x1B000...0x1B122, 0x20000...0x323AF:
            true
        default: false
        }
    }

    private static func isHangul(_ c: UInt32) -> Bool {
        switch c {
        case 0x1100...0x11FF, 0x302E...0x302F, 0x3131...0x318E, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xD7B0...0xD7FB: true
        default: false
        }
    }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        if isHangul(scalar.value) { return .hangul }
        if isCJK(scalar.value) { return .cjk }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .enclosingMark:
            return .word
        default: return scalar.properties.isWhitespace ? .blank : .separator
        }
    }

    /// NFKC, lower case, default-ignorable scalars out, NFKC again: NFKC_Casefold for texts without special casing.
    public static func fold(_ text: String) -> String {
        var folded = ""
        for scalar in text.precomposedStringWithCompatibilityMapping.unicodeScalars
        where !scalar.properties.isDefaultIgnorableCodePoint {
            folded += scalar.properties.lowercaseMapping
        }
        return folded.precomposedStringWithCompatibilityMapping
    }

    /// Line breaks, a CR LF counted once.
    private static func lineBreaks(_ blanks: [Unicode.Scalar]) -> Int {
        var count = 0
        for (i, scalar) in blanks.enumerated() {
            switch scalar.value {
            case 0x0A where i > 0 && blanks[i - 1].value == 0x0D: break
            case 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029: count += 1
            default: break
            }
        }
        return count
    }

    /// DESIGN's normal form: units, and gaps between them.
    public static func normal(_ text: String, _ breaks: BreaksPolicy) -> [NaiveUnit] {
        let scalars = Array(fold(text).unicodeScalars)
        var units: [NaiveUnit] = []
        var before: Kind?
        var hasBlank = false
        var hasSeparator = false
        var i = 0
        while i < scalars.count {
            let current = kind(scalars[i])
            var end = i + 1
            if current == .blank || current == .word {
                while end < scalars.count, kind(scalars[end]) == current { end += 1 }
            }
            let run = Array(scalars[i..<end])
            i = end
            switch current {
            case .blank:
                let isHard = breaks == .strict || (breaks == .soft && lineBreaks(run) >= 2)
                if isHard { hasSeparator = true } else { hasBlank = true }
                continue
            case .separator:
                hasSeparator = true
                continue
            case .cjk, .hangul, .word: break
            }
            if let before, hasSeparator || (hasBlank && before == current && current != .cjk) { units.append(.gap) }
            (hasBlank, hasSeparator) = (false, false)
            before = current
            if current == .word {
                var word = String.UnicodeScalarView()
                word.append(contentsOf: run)
                units.append(.word(String(word)))
            } else {
                units.append(.character(run[0]))
            }
        }
        return units
    }

    /// Whether `needle` stands in `haystack` from a place on.
    private static func stands(
        _ needle: [NaiveUnit], at start: Int, of haystack: [NaiveUnit], _ variants: VariantFolding
    ) -> Bool {
        if variants.isEmpty {
            return haystack[start] == needle[0] && haystack[start..<(start + needle.count)].elementsEqual(needle)
        }
        return needle.indices.allSatisfy { NaiveVariants.isSame(haystack[start + $0], needle[$0], variants) }
    }

    /// Where `needle`, not empty, stands in `haystack`.
    public static func places(
        of needle: [NaiveUnit], in haystack: [NaiveUnit], _ variants: VariantFolding = []
    ) -> [Int] {
        if needle.isEmpty || needle.count > haystack.count { return [] }
        return (0...(haystack.count - needle.count)).filter { stands(needle, at: $0, of: haystack, variants) }
    }

    /// Whether `needle`, not empty, is a run of `haystack`.
    public static func contains(
        _ haystack: [NaiveUnit], _ needle: [NaiveUnit], _ variants: VariantFolding = []
    ) -> Bool {
        if needle.isEmpty || needle.count > haystack.count { return false }
        return (0...(haystack.count - needle.count)).contains { stands(needle, at: $0, of: haystack, variants) }
    }

    /// Whether there are occurrences of all needles, no two of which share a unit, with at most `distance` units between the
    /// first and the last that are none of theirs. Needles without a unit are left out; there is one with.
    public static func isNear(
        _ haystack: [NaiveUnit], _ needles: [[NaiveUnit]], distance: Int, _ variants: VariantFolding = []
    ) -> Bool {
        var numbers: [Int] = []
        for unit in haystack { numbers.append((numbers.last ?? -1) + (unit == .gap ? 0 : 1)) }
        let needles = needles.filter { !$0.isEmpty }
        guard needles.allSatisfy({ contains(haystack, $0, variants) }) else { return false }
        let places = needles.map { needle in
            NaiveText.places(of: needle, in: haystack, variants)
                .map { numbers[$0]..<(numbers[$0 + needle.count - 1] + 1) }
        }
        func choose(_ number: Int, _ chosen: [Range<Int>]) -> Bool {
            guard number < places.count else {
                let (first, last) = (chosen.map(\.lowerBound).min() ?? 0, chosen.map(\.upperBound).max() ?? 0)
                return !chosen.isEmpty && last - first - chosen.reduce(0) { $0 + $1.count } <= distance
            }
            return places[number].contains { place in
                !chosen.contains { $0.overlaps(place) } && choose(number + 1, chosen + [place])
            }
        }
        return choose(0, [])
    }

    /// The same with a last unit of the needle that, if it is a word, stands for every word that begins so.
    public static func containsPrefix(
        _ haystack: [NaiveUnit], _ needle: [NaiveUnit], _ variants: VariantFolding = []
    ) -> Bool {
        guard let last = needle.last, case .word(let beginning) = last else {
            return contains(haystack, needle, variants)
        }
        return haystack.contains { unit in
            guard case .word(let word) = unit, word.utf8.starts(with: beginning.utf8) else { return false }
            return contains(haystack, needle.dropLast() + [unit], variants)
        }
    }
}
