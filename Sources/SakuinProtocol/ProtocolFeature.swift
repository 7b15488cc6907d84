// What servers say in WELCOME that they heed, so that nobody asks one of before for what it would pass over.

public import SakuinTypes

/// Something that a request may ask for and that servers from before it pass over without a word, or a call that they refuse
/// without saying that they do not know it, with its number in WELCOME.
/// There are more numbers than this build knows.
public struct ProtocolFeature: RawRepresentable, Sendable, Hashable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    /// `SearchRequest.facets`.
    public static let facets = ProtocolFeature(rawValue: 1)
    /// `SearchRequest.variants`.
    public static let variants = ProtocolFeature(rawValue: 2)
    /// `WireCall.deleteMatching`.
    public static let deleteMatching = ProtocolFeature(rawValue: 3)

    /// Those that this build knows, which its server names.
    public static let known: [ProtocolFeature] = [.facets, .variants, .deleteMatching]
}

extension WireCall {
    /// Throws `unimplemented` when the call asks for something that is not among `features`, those that a server named: it
    /// would answer as if it had not been asked, or not say why it does not.
    public func check(_ features: [ProtocolFeature]) throws(SakuinError) {
        if case .deleteMatching = self, !features.contains(.deleteMatching) {
            throw .tooOld("deletion by query", "cannot do it", "delete by key", field: "query")
        }
        guard case .search(_, let request) = self else { return }
        if !request.facets.isEmpty, !features.contains(.facets) {
            throw .tooOld("facets", "would answer without them", "search without facets")
        }
        if !request.variants.isEmpty, !features.contains(.variants) {
            throw .tooOld("variants", "would find less without a word", "search without variants")
        }
    }
}

extension SakuinError {
    fileprivate static func tooOld(
        _ feature: String, _ otherwise: String, _ instead: String, field: String? = nil
    ) -> SakuinError {
        SakuinError(
            .unimplemented, "The server is from before \(feature) and \(otherwise).", field: field ?? feature,
            nextStep: "Update the server, or \(instead).")
    }
}
