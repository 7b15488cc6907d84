// The generated fold and class tables, scalar by scalar, against Foundation's normalisation and the standard library's
// properties.

import Foundation
import Testing

@testable import SakuinEngine

@Suite struct FoldTests {
    /// Whether the Unicode version of the tables has the scalar; the standard library knows younger ones.
    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        guard let age = scalar.properties.age else { return false }
        return age.major * 10_000 + age.minor * 100 <= Int(CharacterTable.version)
    }

    /// The scalars an entry stands for.
    private static func fold(_ scalar: UInt32) -> [UInt32] {
        let table = CharacterTable.shared
        let entry = table.entry(scalar)
        let value = entry & CharacterTable.scalarMask
        switch CharacterTable.kind(entry) {
        case CharacterTable.Class.gone: return []
        case CharacterTable.Class.several: return table.expansions[Int(value)].map { $0 & CharacterTable.scalarMask }
        default: return [value]
        }
    }

    /// NFKC_Casefold by way of lower case: right where full case folding is lower case of the compatibility form.
    private static func expected(_ scalar: Unicode.Scalar) -> [UInt32] {
        var folded = ""
        for part in String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars
        where !part.properties.isDefaultIgnorableCodePoint {
            folded += caseFold(part)
        }
        return folded.precomposedStringWithCompatibilityMapping.unicodeScalars.map(\.value)
    }

    /// Full case folding by way of upper case, as ς and ſ need it. Otherwise: Cherokee folds to upper case, ı (whose upper
    /// case is I) to itself, ẞ (which is upper case) as ß.
    private static func caseFold(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case 0x13A0...0x13F5: return String(scalar)
        case 0x13F8...0x13FD, 0xAB70...0xABBF: return scalar.properties.uppercaseMapping
        case 0x0131: return String(scalar)
        case 0x1E9E: return "ss"
        default: break
        }
        let upper = scalar.properties.uppercaseMapping
        var folded = ""
        for part in upper.unicodeScalars { folded += part.properties.lowercaseMapping }
        return folded
    }

    @Test func everyScalarFoldsAsFoundationSays() {
        var checked = 0
        var different: [String] = []
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            guard Self.isKnown(scalar) else { continue }
            checked += 1
            if Self.fold(value) != Self.expected(scalar) {
                different.append(
                    String(value, radix: 16) + " \(Self.fold(value)) \(Self.expected(scalar))")
            }
        }
        #expect(checked > 140_000)
        #expect(different.isEmpty, "\(different.count): \(different.prefix(60).joined(separator: "; "))")
    }

    /// Folding a fold again changes nothing, and its class is that of the scalar it is.
    @Test func foldsAreFinal() {
        let table = CharacterTable.shared
        for value in UInt32(0)..<CharacterTable.limit where Unicode.Scalar(value) != nil {
            for part in Self.fold(value) { #expect(Self.fold(part) == [part], "\(String(value, radix: 16))") }
            let entry = table.entry(value)
            if CharacterTable.kind(entry) == CharacterTable.Class.several {
                for part in table.expansions[Int(entry & CharacterTable.scalarMask)] {
                    let own = CharacterTable.kind(table.entry(part & CharacterTable.scalarMask))
                    #expect(CharacterTable.kind(part) == own, "\(String(value, radix: 16))")
                }
            }
        }
    }

    @Test func classesFollowTheProperties() {
        let table = CharacterTable.shared
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value), Self.isKnown(scalar), Self.fold(value) == [value] else {
                continue
            }
            let kind = CharacterTable.kind(table.entry(value))
            switch scalar.properties.generalCategory {
            case .unassigned, .privateUse, .surrogate: continue
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
                .decimalNumber, .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .enclosingMark:
                let isUnit = [CharacterTable.Class.word, CharacterTable.Class.cjk, CharacterTable.Class.hangul]
                #expect(isUnit.contains(kind), "\(String(value, radix: 16))")
            default:
                let isBlank = kind == CharacterTable.Class.blank || kind == CharacterTable.Class.lineBreak
                #expect(isBlank == scalar.properties.isWhitespace, "\(String(value, radix: 16))")
            }
        }
        for value: UInt32 in [0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029] {
            #expect(CharacterTable.kind(table.entry(value)) == CharacterTable.Class.lineBreak)
        }
    }
}
