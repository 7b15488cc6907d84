// What WELCOME says that a server heeds, and which requests need it.

import SakuinProtocol
import SakuinTypes
import Testing

@Suite struct FeatureTests {
    private static func search(facets: Bool = false, variants: VariantFolding = []) -> WireCall {
        var request = SearchRequest("全文")
        if facets { request.facets = [FacetRequest("tag")] }
        request.variants = variants
        return .search(index: "i", request)
    }

    @Test func whatIsNeededHasToBeNamed() {
        let unknown = ProtocolFeature(rawValue: 300)
        for (call, needed) in [
            (Self.search(), []), (.listIndexes, []), (Self.search(facets: true), [.facets]),
            (Self.search(variants: .han), [.variants]), (Self.search(variants: .kana), [.variants]),
            (Self.search(facets: true, variants: .all), [.facets, .variants]),
            (.deleteMatching(index: "i", DeletionRequest("全文")), [.deleteMatching]),
        ] as [(WireCall, [ProtocolFeature])] {
            for named in [[], [.facets], [.variants], ProtocolFeature.known, [unknown]] as [[ProtocolFeature]] {
                if needed.allSatisfy({ named.contains($0) }) {
                    #expect(throws: Never.self) { try call.check(named) }
                    continue
                }
                let error = #expect(throws: SakuinError.self) { try call.check(named) }
                #expect(error?.code == .unimplemented && error?.nextStep?.hasPrefix("Update the server") == true)
                let field = needed.contains(.deleteMatching) ? "query" : "variants"
                #expect(error?.field == (needed.contains(.facets) && !named.contains(.facets) ? "facets" : field))
            }
        }
    }

    @Test func vectorsOfOldAndNewServers() throws {
        let vectors = VectorFile.all("accept")
        for (name, features) in [
            ("welcome-old", []), ("welcome", ProtocolFeature.known),
            ("welcome-new", [.variants, ProtocolFeature(rawValue: 300), .facets]),
        ] as [(String, [ProtocolFeature])] {
            let vector = try #require(vectors.first { $0.name == name + ".txt" })
            let (frames, _) = readFrames(vector.bytes, pieceCount: vector.bytes.count)
            let payload = try #require(frames.first).payload
            #expect(try payload.withUnsafeBytes { try WireCodec.decodeWelcome($0) }.features == features)
        }
    }
}
