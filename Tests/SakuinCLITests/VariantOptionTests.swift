// How variants are asked for on the command line.

import SakuinTypes
import Testing

@testable import SakuinCLI

@Suite struct VariantOptionTests {
    @Test func options() throws {
        for (option, folding) in [
            ("han", VariantFolding.han), ("kana", .kana), ("han,kana", .all), ("kana,han", .all), ("all", .all),
        ] { #expect(try VariantFolding(option: option) == folding) }
        for wrong in ["", "Han", "han,", "han kana", "zh"] {
            let error = #expect(throws: SakuinError.self) { try VariantFolding(option: wrong) }
            #expect(error?.code == .invalidArgument && error?.field == "variants" && error?.value == wrong)
        }
    }
}
