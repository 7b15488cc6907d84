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

    private func plan(_ query: Query, fields: [String], of names: [String]) throws -> QueryPlan {
        let registry = FieldRegistry(schema: Schema(fields: names.map { FieldDefinition(name: $0) }), names: [])
        return try QueryPlanner.plan(
            query, filter: nil, SearchedFields(registry), fields: fields, highlights: false, proofs: .all)
    }

    /// A field that is named twice is looked in once.
    @Test func fieldsCountOnce() throws {
        let names = Array(repeating: "body", count: QueryLimits.fieldCountMax)
        #expect(try plan(.text("国际", fields: []), fields: names, of: ["body"]).phrases.count == 1)
        #expect(try plan(.text("国际", fields: names), fields: [], of: ["body"]).phrases.count == 1)
    }

    /// A window for each OR that is left, each prefix and each NOT.
    @Test func windows() throws {
        func text(_ text: String) -> Query { .text(text, fields: []) }
        #expect(try plan(text("国际")).windowCount == 0)
        #expect(try plan(.and([text("国际"), text("数字")])).windowCount == 0)
        #expect(try plan(.or([text("国际"), text("数字")])).windowCount == 1)
        #expect(try plan(.or([.or([text("国际"), text("数字")]), text("经济")])).windowCount == 1)
        #expect(try plan(.and([.or([text("国际"), text("数字")]), .not(text("经济"))])).windowCount == 2)
        #expect(try plan(.or([.prefix("ab", fields: []), .prefix("cd", fields: [])])).windowCount == 3)
    }

    /// Who asks for many has the memory for them, or is refused; nothing is held afterwards.
    @Test func windowsCountInTheBudget() throws {
        var options = SearchFixture.options
        options.memoryBudgetBytes = 64 << 20
        let index = try SearchIndex.open(MemoryDirectory(), schema: .standard, options: options)
        let used = index.memory.used
        func search(_ count: Int) throws {
            let query = Query.or((0..<count).map { .prefix("word\($0)", fields: ["title"]) })
            _ = try index.searchNow(SearchRequest(.tree(query)))
        }
        try search(10)
        let error = #expect(throws: SakuinError.self) { try search(4_000) }
        #expect(error?.code == .resourceExhausted && error?.field == "memoryBudgetBytes" && error?.nextStep != nil)
        // It would never fit.
        #expect(error?.retryAfterMilliseconds == nil)
        #expect(index.memory.used == used)
        try search(10)
        try index.close()
    }

    /// What a small request could ask for is bounded: texts, fields, and one by the other.
    @Test func limits() throws {
        let names = (0..<100).map { "field\($0)" }
        func refused(_ query: Query, in count: Int = 100, _ field: String, _ limit: Int) {
            let fields = Array(names.prefix(count))
            let error = #expect(throws: SakuinError.self) { _ = try plan(query, fields: fields, of: names) }
            #expect(error?.field == field && error?.limit == "\(limit)", "\(String(describing: error))")
        }
        func texts(_ count: Int, _ text: String) -> Query {
            .or(Array(repeating: .text(text, fields: []), count: count))
        }
        #expect(try plan(texts(163, "国际"), fields: names, of: names).phrases.count == 16_300)
        refused(texts(164, "国际"), "fields", QueryLimits.leafCountMax)
        refused(texts(2, String(repeating: "国", count: 20_000)), in: 1, "query", QueryLimits.textByteCountMax)
        refused(texts(1, String(repeating: "国", count: 20_000)), "fields", QueryLimits.tokenCountMax)
        refused(.near(Array(repeating: "国", count: 200), distance: 1, fields: []), "near", Query.nearTextCountMax)
        let many = (0...QueryLimits.fieldCountMax).map { "field\($0)" }
        // Those that come again too.
        for asked in [many, many.map { _ in many[0] }] {
            let error = #expect(throws: SakuinError.self) {
                _ = try plan(.text("国", fields: asked), fields: [], of: many)
            }
            #expect(error?.field == "fields" && error?.limit == "\(QueryLimits.fieldCountMax)")
        }
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

    /// Scores that are infinite or 0 have no order.
    @Test func boostsTogether() throws {
        for (factors, isGood) in [
            ([1e15, 1e15], true), ([1e20, 1e20], false), ([1e20, 1e-20, 1e20], true), ([1e-20, 1e-20], false),
        ] as [([Float], Bool)] {
            let query = factors.reduce(Query.text("国", fields: [])) { .boost($0, $1) }
            if isGood {
                #expect(try plan(query).phrases[0].boost.isNormal)
            } else {
                let error = #expect(throws: SakuinError.self) { try plan(query) }
                #expect(error?.code == .invalidArgument && error?.field == "boost" && error?.limit != nil)
                #expect(error?.value.flatMap(Double.init)?.isNormal == true)
            }
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
    /// A chain has more tokens than positions need, and counts the same.
    @Test(arguments: [
        "国", "国际", "中,5月", "国际,字", "一二三四五六七", "一二三5六七八", "国际,数字a,b中", "a,中", "一二三四五六七八,一二三四五六七,国",
    ])
    func chainsCountWhatPositionsHave(text: String) throws {
        let positions = try plan(.text(text, fields: []), proofs: .positions)
        #expect(positions.tokens.allSatisfy { $0.counts })
        for proofs: ProofKinds in [.links, .all] {
            let plan = try plan(.text(text, fields: []), proofs: proofs)
            let proof = plan.phrases[0].proof(.links)
            let counted = zip(plan.tokens[proof.tokens], tokens(plan, proof)).filter(\.0.counts).map(\.1)
            #expect(counted == tokens(positions, positions.phrases[0].proof(.positions)))
        }
    }

    /// Many texts, and long ones, each of them for many fields, end at the deadline.
    @Test(arguments: [("，", 20), (String(repeating: "，", count: 2_000), 1)])
    func theDeadlineHoldsWhilePlanning(text: String, count: Int) throws {
        let registry = FieldRegistry(schema: Schema(fields: [FieldDefinition(name: "body")]), names: [])
        let caller = SearchCancellation()
        let texts = Query.or(Array(repeating: .text(text, fields: []), count: count))
        let near = Query.near([text, text], distance: 1, fields: [])
        func plan(_ query: Query, _ cancellation: Cancellation) throws -> QueryPlan {
            try QueryPlanner.plan(
                query, filter: nil, SearchedFields(registry), fields: [], highlights: false, proofs: .all, cancellation)
        }
        #expect(try plan(texts, Cancellation(caller: caller)).phrases.isEmpty)
        caller.cancel()
        for cancellation in [Cancellation(caller: caller), Cancellation(deadlineNanoseconds: 1)] {
            for query in count == 1 ? [texts, near] : [texts] {
                let error = #expect(throws: SakuinError.self) { _ = try plan(query, cancellation) }
                #expect(error?.code == .deadlineExceeded)
            }
        }
    }

    /// An OR within another is a part of it, as that of a text in several fields is.
    @Test func oneOrHasAllTexts() throws {
        let query = Query.or([.text("国", fields: []), .or([.text("际", fields: []), .not(.or([.all, .all]))]), .all])
        let root = try plan(query, fields: ["a", "b"], of: ["a", "b"]).root
        #expect(
            root
                == .or([.phrase(0), .phrase(1), .phrase(2), .phrase(3), .not(.or([.all, .all])), .all]))
    }
}
