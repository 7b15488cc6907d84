// --variants, of search, count and load.

import ArgumentParser
import SakuinTypes

struct VariantOptions: ParsableArguments {
    @Option(help: "What is found in other forms too: han, kana, both with a comma between, or all.")
    var variants: String?

    /// What the option says; none without it.
    func folding() throws -> VariantFolding { try variants.map { try VariantFolding(option: $0) } ?? [] }
}

extension VariantFolding {
    /// `han`, `kana`, both with a comma between, or `all`, as `--variants` takes it.
    init(option: String) throws {
        self = []
        for name in option.split(separator: ",", omittingEmptySubsequences: false) {
            switch name {
            case "han": insert(.han)
            case "kana": insert(.kana)
            case "all": formUnion(.all)
            default:
                throw SakuinError.invalid(
                    "--variants is han, kana, both with a comma between, or all.", field: "variants", value: option)
            }
        }
    }
}
