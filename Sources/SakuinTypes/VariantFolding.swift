/// Which ways of writing a character a query takes for the same; none but its own unless asked for.
public struct VariantFolding: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Chinese characters that have a traditional form in common: 發 is 发 and 発, but not 髮, which 发 and 髪 are.
    public static let han = VariantFolding(rawValue: 1)
    /// Hiragana and katakana: か is カ.
    public static let kana = VariantFolding(rawValue: 2)
    public static let all: VariantFolding = [.han, .kana]
}

extension VariantFolding {
    /// Throws `invalidArgument` when there is one among them that is not known.
    public func check() throws(SakuinError) {
        guard VariantFolding.all.isSuperset(of: self) else {
            throw .invalid(
                "There are variants that this version does not know.", field: "variants",
                limit: VariantFolding.all.rawValue, value: rawValue,
                nextStep: "Ask for those of Han (1), of kana (2) or of both (3).")
        }
    }
}
