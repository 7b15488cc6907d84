// Which characters are variants: the relation and well-known examples of it.

import SakuinTestSupport
import Testing

@testable import SakuinEngine

@Suite struct VariantTableTests {
    private static func variants(_ text: String, _ folding: VariantFolding = .han) -> Set<String> {
        Set(
            text.unicodeScalars.flatMap { VariantTable.shared.variants(of: $0.value, folding) }.compactMap {
                Unicode.Scalar($0).map(String.init)
            })
    }

    /// All scalars that have variants.
    private static let all: [(scalar: UInt32, variants: [UInt32])] = (UInt32(0)..<CharacterTable.limit).compactMap {
        let variants = VariantTable.shared.variants(of: $0, .all)
        return variants.count > 1 ? ($0, variants) : nil
    }

    @Test func theRelationIsSymmetricAndOfFoldedCharacters() {
        for (scalar, variants) in Self.all {
            #expect(variants.contains(scalar) && Set(variants).count == variants.count)
            #expect(VariantTable.shared.variantCount(of: scalar, .all) == variants.count)
            for other in variants { #expect(VariantTable.shared.variants(of: other, .all).contains(scalar)) }
            #expect(
                CharacterTable.shared.entry(scalar) & ~CharacterTable.slowBit
                    == CharacterTable.makeEntry(scalar, CharacterTable.Class.cjk))
        }
    }

    @Test func howManyThereAre() {
        let han = Self.all.filter { VariantTable.shared.variantCount(of: $0.scalar, .han) > 1 }
        #expect(han.count == 12_958)
        #expect(han.map(\.variants.count).max() == 6)
        #expect(Self.all.count - han.count == 2 * (86 + 2))
    }

    @Test(arguments: [
        ("发", "发發髮発髪"), ("髮", "发髮髪"), ("発", "发發発"), ("国", "国國"), ("図", "图圖図"), ("沢", "泽澤沢"), ("駅", "驿驛駅"),
        ("廣", "广廣広"), ("価", "价價価"), ("売", "卖賣売"), ("气", "气氣気"), ("說", "说說説"), ("顔", "颜顏顔"), ("産", "产產産"),
        ("鶏", "鸡雞鷄鶏"), ("爲", "为為爲"), ("里", "里裡裏"), ("弁", "弁辨辩辯瓣"), ("亜", "亚亞亜"), ("桧", "桧檜"), ("一", "一"), ("展", "展"),
        ("か", "か"),
    ]) func examples(text: String, expected: String) {
        #expect(Self.variants(text) == Set(expected.map(String.init)))
    }

    @Test func kanaAreOneToOne() {
        #expect(Self.variants("か", .kana) == ["か", "カ"] && Self.variants("ガ", .kana) == ["が", "ガ"])
        #expect(Self.variants("ゔ", .all) == ["ゔ", "ヴ"] && Self.variants("ヽ", .kana) == ["ゝ", "ヽ"])
        for other in ["ー", "ヷ", "・", "国", "々", "a", "가"] { #expect(Self.variants(other, .kana) == [other]) }
        #expect(Self.variants("つ", .kana).isDisjoint(with: Self.variants("っ", .kana)))
        #expect(Self.variants("か国", []) == ["か", "国"])
    }

    /// The oracle of the searches says the same of the characters it knows.
    @Test func theOracleAgrees() {
        for scalar in Set(NaiveVariants.groups.flatMap { $0 }) {
            #expect(Self.variants(String(scalar)) == Set(NaiveVariants.all(of: scalar).map(String.init)), "\(scalar)")
        }
    }
}
