// What a text is looked up by: in segments with pairs, in those without, and in those with links.
import SakuinTypes
import Testing

@testable import SakuinEngine

@Suite struct QueryPlannerTests {
    private func plan(_ query: Query, proofs: ProofKinds = .all) throws -> QueryPlan {
        let registry = FieldRegistry(schema: Schema(fields: [FieldDefinition(name: "body")]), names: [])
        return try QueryPlanner.plan(
            query, filter: nil, SearchedFields(registry), fields: [], highlights: false, proofs: proofs)
    }

    /// `国` character, `[国]` edge, `[国` head, `国]` tail, `国际` bigram, `<ab>` word, `国+ab` and `ab+国` pairs, `*` behind what is a prefix.
    private func tokens(_ plan: QueryPlan, _ proof: PhraseProof) -> [String] {
        func text(_ scalar: UInt32) -> String { String(Unicode.Scalar(scalar) ?? "?") }
        func pair(_ neighbour: WordNeighbour, _ place: Int32) -> String {
            let (scalar, word) = (text(neighbour.code >> 1), String(decoding: plan.words[Int(place)], as: UTF8.self))
            return neighbour.code & 1 == 0 ? "\(scalar)+\(word)" : "\(word)+\(scalar)"
        }
        return plan.tokens[proof.tokens].map { token in
            let term =
                switch token.term {
                case .character(let c): text(c)
                case .edge(let c): "[" + text(c) + "]"
                case .head(let c): "[" + text(c)
                case .tail(let c): text(c) + "]"
                case .unit(let c): "." + text(c)
                case .bigram(let a, let b): text(a) + text(b)
                case .word(let place): "<\(String(decoding: plan.words[place], as: UTF8.self))>"
                case .prefix(let place): "<\(String(decoding: plan.words[place], as: UTF8.self))*>"
                case .pair(let neighbour, let place): pair(neighbour, place)
                case .pairPrefix(let neighbour, let place): pair(neighbour, place) + "*"
                }
            return "\(term)@\(token.offset)"
        }
    }

    @Test(
        arguments: [
            ("国", ["国@0"], ["国@0"]), ("国际", ["国际@0"], ["国际@0"]), ("abc", ["<abc>@0"], ["<abc>@0"]),
            ("1月", ["1+月@0"], ["<1>@0", "[月]@2"]), ("第5号", ["第+5@0", "5+号@2"], ["[第]@0", "<5>@2", "[号]@4"]),
            ("7日英国只", ["7+日@0", "日英@2", "英国@4", "国只@6"], ["<7>@0", "日英@2", "英国@4", "国只@6"]),
            ("国际5", ["国际@0", "际+5@2"], ["国际@0", "<5>@4"]), ("中,5月", ["[中]@0", "5+月@3"], ["[中]@0", "<5>@3", "[月]@5"]),
            ("a,中", ["<a>@0", "[中]@3"], ["<a>@0", "[中]@3"]),
            ("a,中,b", ["<a>@0", "[中]@3", "<b>@6"], ["<a>@0", "[中]@3", "<b>@6"]),
            ("a b", ["<a>@0", "<b>@3"], ["<a>@0", "<b>@3"]),
            // Every second of many, and the last.
            ("一二三四5六七八", ["一二@0", "三四@4", "5+六@8", "七八@12"], ["一二@0", "二三@2", "三四@4", "<5>@8", "六七@10", "七八@12"]),
        ] as [(String, [String], [String])])
    func texts(text: String, expected: [String], old: [String]) throws {
        let plan = try plan(.text(text, fields: []))
        let phrase = try #require(plan.phrases.first)
        #expect(tokens(plan, phrase.proof(.positions)) == expected)
        #expect(tokens(plan, phrase.proof(.words)) == old)
        #expect((phrase.proof(.positions) == phrase.proof(.words)) == (expected == old))
        let newPlan = try self.plan(.text(text, fields: []), proofs: [.positions])
        #expect(tokens(newPlan, newPlan.phrases[0].proof(.positions)) == expected)
        #expect(newPlan.tokens.count == expected.count)
    }

    @Test(
        arguments: [
            ("ab", ["<ab*>@0"], ["<ab*>@0"]), ("第5", ["第+5*@0"], ["[第]@0", "<5*>@2"]),
            ("5第", ["5+第@0"], ["<5>@0", "[第]@2"]), ("际,5", ["[际]@0", "<5*>@3"], ["[际]@0", "<5*>@3"]),
            ("5国际6", ["5+国@0", "国际@2", "际+6*@4"], ["<5>@0", "国际@2", "<6*>@6"]),
        ] as [(String, [String], [String])])
    func prefixes(text: String, expected: [String], old: [String]) throws {
        let plan = try plan(.prefix(text, fields: []))
        #expect(tokens(plan, plan.phrases[0].proof(.positions)) == expected)
        #expect(tokens(plan, plan.phrases[0].proof(.words)) == old)
    }

    /// With links all of them are needed, and where a gap is the characters beside it say where they stand.
    @Test(
        arguments: [
            ("国", ["国@0"]), ("国际", ["国际@0"]), ("中,5月", ["[中]@0", "5+月@3"]),
            ("一二三四五六七", ["一二@0", "二三@2", "三四@4", "四五@6", "五六@8", "六七@10"]),
            ("一二三5六七八", ["一二@0", "二三@2", "三+5@4", "5+六@6", "六七@8", "七八@10"]),
            ("国际,数字a,b中", ["国际@0", "际]@2", "[数@5", "数字@5", "字+a@7", "b+中@12"]), ("a,中", ["<a>@0", "[中]@3"]),
        ] as [(String, [String])])
    func chains(text: String, expected: [String]) throws {
        for proofs: ProofKinds in [.links, .all] {
            let plan = try plan(.text(text, fields: []), proofs: proofs)
            let phrase = try #require(plan.phrases.first)
            #expect(tokens(plan, phrase.proof(.links)) == expected)
            #expect(
                plan.parts.allSatisfy { !$0.isRun || $0.tokens.lowerBound < phrase.proof(.links).tokens.lowerBound })
        }
    }

    /// A prefix of nothing would stand for pairs too.
    @Test func thereIsNoEmptyPrefix() throws {
        for text in ["", " ", "，"] {
            #expect(try plan(.prefix(text, fields: [])).root == .none)
        }
    }

    /// The bigrams and pairs of a stretch without gaps are one part, of which a cover is enough.
    @Test func aStretchIsOnePart() throws {
        let plan = try plan(.text("7日英国,第5号", fields: []), proofs: [.positions])
        #expect(plan.parts.map { $0.tokens.count } == [3, 2])
        #expect(plan.parts.map(\.isRun) == [true, true])
    }
}
