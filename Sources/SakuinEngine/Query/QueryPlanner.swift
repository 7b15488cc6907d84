/// Query tree to plan: each text becomes, per field, the tokens that prove it.
struct QueryPlanner: ~Copyable {
    private let searched: SearchedFields
    private let defaultFields: [SearchedFields.Field]
    /// Fields of the request that are not in the schema.
    private var dynamicFields: [String] = []
    private var plan = QueryPlanDraft()
    private let highlights: Bool
    private let proofs: ProofKinds
    /// Whether texts that score are looked for by their parts too.
    private let isSmart: Bool
    /// What characters of texts may be written as besides.
    private var variants: VariantFolding
    /// How many spellings the tokens have so far.
    private var spellingCount = 0
    private var textByteCount = 0
    private var leafCount = 0
    private let cancellation: Cancellation?

    /// `fields` are those of the request; none: all text fields. With `highlights` the plan says what is to be shown, with
    /// `proofs`: the kinds of segments it is for. In mode `smart` texts that score are looked for by their parts too.
    /// `variants` are of texts and prefixes of the query, not of the filter and of exact values. Throws `deadlineExceeded`
    /// once `cancellation` has ended it.
    static func plan(
        _ query: Query, filter: Query?, _ searched: SearchedFields, fields: [String], highlights: Bool,
        proofs: ProofKinds, mode: SearchMode = .exact, variants: VariantFolding = [],
        _ cancellation: Cancellation? = nil
    ) throws(SakuinError) -> QueryPlan {
        var planner = try QueryPlanner(
            searched, fields, highlights, proofs, isSmart: mode == .smart, variants: variants, cancellation)
        var root = try planner.node(query, boost: 1, scores: true)
        if let filter {
            planner.variants = []
            root = .and([root, try planner.node(filter, boost: 1, scores: false)])
        }
        return planner.finish(root)
    }

    private consuming func finish(_ root: PlanNode) -> QueryPlan { QueryPlan(plan, root: root) }

    private init(
        _ searched: SearchedFields, _ names: [String], _ highlights: Bool, _ proofs: ProofKinds, isSmart: Bool,
        variants: VariantFolding, _ cancellation: Cancellation?
    ) throws(SakuinError) {
        self.isSmart = isSmart
        self.cancellation = cancellation
        self.variants = variants
        self.searched = searched
        self.highlights = highlights
        self.proofs = proofs
        if names.isEmpty {
            defaultFields = searched.text
            return
        }
        (defaultFields, dynamicFields) = try Self.resolve(names, searched)
    }

    private static func resolve(
        _ names: [String], _ searched: SearchedFields
    ) throws(SakuinError) -> ([SearchedFields.Field], [String]) {
        // Names that come again count too: each is compared with those before it.
        try QueryLimits.check(fieldCount: names.count)
        var known: [SearchedFields.Field] = []
        var dynamic: [String] = []
        for name in names {
            if let field = searched[name] {
                if !known.contains(where: { $0.number == field.number }) { known.append(field) }
            } else if searched.isDynamic(name) {
                if !dynamic.contains(where: { $0.hasSameBytes(as: name) }) { dynamic.append(name) }
            } else {
                throw searched.unknown(name)
            }
        }
        return (known, dynamic)
    }

    private mutating func node(_ query: Query, boost: Float, scores: Bool) throws(SakuinError) -> PlanNode {
        switch query {
        case .all: return .all
        case .text(let text, let fields):
            return try textNode(text, fields, isPrefix: false, boost: boost, scores: scores)
        case .prefix(let text, let fields):
            return try textNode(text, fields, isPrefix: true, boost: boost, scores: scores)
        case .range(let field, let lower, let upper):
            try count(leaves: 1)
            if lower == nil, upper == nil, let text = searched[field], text.type == .text {
                return .hasText(field: text.number)
            }
            try searched.checkColumn(field, to: "compare")
            return try columnNode(ColumnPlan(field: field, lower: lower, upper: upper))
        case .equals(let field, let value):
            let folded = variants
            variants = []
            defer { variants = folded }
            return try textNode(value, [field], isPrefix: false, boost: boost, scores: scores)
        case .near(let texts, let distance, let fields):
            return try nearNode(texts, distance, fields, boost: boost, scores: scores)
        case .and(let children): return .and(try nodes(children, boost: boost, scores: scores))
        case .or(let children): return .or(Self.flat(try nodes(children, boost: boost, scores: scores)))
        case .not(let child): return .not(try node(child, boost: boost, scores: false))
        case .boost(let child, let factor):
            guard factor.isFinite, factor > 0 else {
                throw .invalid("A boost must be a number above 0.", field: "boost", value: factor)
            }
            return try node(child, boost: try QueryLimits.weight(boost, factor), scores: scores)
        }
    }

    private mutating func nodes(_ children: [Query], boost: Float, scores: Bool) throws(SakuinError) -> [PlanNode] {
        var nodes: [PlanNode] = []
        nodes.reserveCapacity(children.count)
        for child in children { nodes.append(try node(child, boost: boost, scores: scores)) }
        return nodes
    }

    /// The nodes of an OR, those of others among them in their place: each OR has a window of documents, which a text in
    /// several fields need not have for itself.
    private static func flat(_ nodes: [PlanNode]) -> [PlanNode] {
        // Nearly all are phrases.
        guard nodes.contains(where: { if case .or = $0 { true } else { false } }) else { return nodes }
        return nodes.flatMap { node in
            if case .or(let children) = node { children } else { [node] }
        }
    }

    private mutating func count(leaves: Int) throws(SakuinError) {
        leafCount += leaves
        try QueryLimits.check(leafCount: leafCount)
    }

    /// Texts that are shorter are many before they take long.
    private static let shortByteCountMax = 1_024

    /// Throws when the search was given up, before the normal form of a text is made once more, for another field.
    private func heedDeadline(before text: String) throws(SakuinError) {
        guard leafCount & 15 == 0 || text.utf8.count > Self.shortByteCountMax else { return }
        do throws(StorageError) { try cancellation?.check() } catch {
            throw SakuinError(.deadlineExceeded, "The search was given up while it was planned.")
        }
    }

    private mutating func count(text: String) throws(SakuinError) {
        textByteCount += text.utf8.count
        try QueryLimits.check(textByteCount: textByteCount)
    }

    /// The text in any of the fields.
    private mutating func textNode(
        _ text: String, _ names: [String], isPrefix: Bool, boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        try count(text: text)
        // Nearly all indexes have one text field, and nearly no text names others.
        if names.isEmpty, defaultFields.count == 1, dynamicFields.isEmpty {
            return try node(text, in: defaultFields[0], isPrefix: isPrefix, boost: boost, scores: scores)
        }
        let (fields, dynamic) =
            names.isEmpty ? (defaultFields, dynamicFields) : try Self.resolve(names, searched)
        try count(leaves: dynamic.count)
        let fieldCount = fields.count + dynamic.count
        var nodes: [PlanNode] = []
        for field in fields where !isLeftOut(text, isPrefix, field, of: fieldCount) {
            nodes.append(try node(text, in: field, isPrefix: isPrefix, boost: boost, scores: scores))
        }
        for name in dynamic {
            plan.own.dynamicColumns.insert(name)
            if isPrefix, fieldCount == 1 || ColumnSpan.canBegin(with: text) {
                try refuse(Self.noPrefix(of: name), hasColumn: false)
            } else if !isPrefix, searched.holds(text, name) {
                nodes.append(.column(Self.equality(name, text)))
            }
        }
        if plan.refusal == nil, nodes.isEmpty, let name = fields.first.map(searched.name) ?? dynamic.first {
            try refuse(searched.noValue(text, of: name), hasColumn: dynamic.isEmpty)
        }
        if plan.refusal != nil { return .none }
        return try Self.any(nodes)
    }

    /// Throws the error, or keeps it until it is known whether the snapshot has a column of the field at all.
    private mutating func refuse(_ error: SakuinError, hasColumn: Bool) throws(SakuinError) {
        if hasColumn { throw error }
        if plan.refusal == nil { plan.own.refusal = error }
    }

    /// Whether another of several fields may have the text, and this one cannot hold it.
    private func isLeftOut(_ text: String, _ isPrefix: Bool, _ field: SearchedFields.Field, of count: Int) -> Bool {
        if count == 1 || field.type == .text || field.type == .keyword { return false }
        return isPrefix ? !ColumnSpan.canBegin(with: text) : !searched.holds(text, searched.name(of: field))
    }

    private static func noPrefix(of field: String) -> SakuinError {
        .invalid(
            "Field '\(field)' has numbers, dates or booleans, and * is for the beginnings of words.", field: field,
            value: "*",
            nextStep: "Ask for a range: \(field):[10 TO 20}, \(field):[2023-01-01 TO 2023-12-31], \(field):[* TO *].")
    }

    /// The condition, whose bounds a column of the field must be able to hold.
    private mutating func columnNode(_ condition: ColumnPlan) throws(SakuinError) -> PlanNode {
        let isDynamic = searched[condition.field] == nil
        if isDynamic { plan.own.dynamicColumns.insert(condition.field) }
        for case let bound? in [condition.lower, condition.upper] where !searched.holds(bound.value, condition.field) {
            try refuse(searched.noValue(bound.value, of: condition.field), hasColumn: !isDynamic)
        }
        return .column(condition)
    }

    /// Any of the nodes, one for each field.
    private static func any(_ nodes: [PlanNode]) throws(SakuinError) -> PlanNode {
        guard let first = nodes.first else {
            throw .invalid(
                "The index has no text field to search.", field: "fields", nextStep: "Name a field: field:text.")
        }
        return nodes.count == 1 ? first : .or(nodes)
    }

    private mutating func node(
        _ text: String, in field: SearchedFields.Field, isPrefix: Bool, boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        try count(leaves: 1)
        try heedDeadline(before: text)
        switch field.type {
        case .text, .keyword:
            let weight = try QueryLimits.weight(boost, field.boost)
            let whole = try phraseNode(text, field, isPrefix: isPrefix, boost: weight, scores: scores)
            guard isSmart, scores, !isPrefix, field.type == .text else { return whole }
            return try smartNode(text, whole, field, boost: weight)
        case .integer, .float, .boolean, .date:
            if isPrefix { throw Self.noPrefix(of: searched.name(of: field)) }
            return try columnNode(Self.equality(searched.name(of: field), text))
        }
    }

    /// The whole text or any of its parts.
    private mutating func smartNode(
        _ text: String, _ whole: PlanNode, _ field: SearchedFields.Field, boost: Float
    ) throws(SakuinError) -> PlanNode {
        let parts = TextPattern(text, analyzer: field.analyzer).smartParts
        if parts.isEmpty { return whole }
        plan.own.smartParts.formUnion(parts)
        let count = plan.phrases.count + parts.count
        guard count <= QueryParser.clauseMax else {
            throw .invalid(
                "The texts of a query in mode 'smart' may have \(QueryParser.clauseMax) parts in all fields.",
                field: "query", limit: QueryParser.clauseMax, value: count,
                nextStep: "Search a shorter text, or fewer fields.")
        }
        var nodes = [whole]
        for part in parts { nodes.append(try phraseNode(part, field, isPrefix: false, boost: boost, scores: true)) }
        return .or(nodes)
    }

    private static func equality(_ field: String, _ value: String) -> ColumnPlan {
        ColumnPlan(field: field, lower: RangeBound(value), upper: RangeBound(value))
    }

    private mutating func phraseNode(
        _ text: String, _ field: SearchedFields.Field, isPrefix: Bool, boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        let kind = field.analyzer.kind
        if isPrefix || !variants.isEmpty { plan.unionCount += 1 }
        var number = kind == .cjk ? appendPlain(text, field.number, boost: boost, scores: scores) : nil
        // Nearly all that is not highlighted needs no pattern.
        if let number, variants.isEmpty, !(scores && highlights) {
            try QueryLimits.check(tokenCount: plan.tokens.count)
            return .phrase(number)
        }
        let sought = SoughtText(
            field: field.number, text: text, analyzer: field.analyzer, lastIsPrefix: isPrefix, variants: variants)
        if number == nil {
            let pattern = sought.pattern
            // A text of separators alone has an empty normal form, which no document is searched for.
            guard !pattern.elements.isEmpty else {
                plan.own.emptyText = text
                return .none
            }
            number = plan.appendPhrase(
                field: field.number, boost: boost, scores: scores, variants: variants,
                for: pattern.distinct(proofs, kind)
            ) { $1.appendTokens(of: pattern, kind: kind, $0) }
            if let number, kind == .cjk, !field.hasEdges {
                plan.read(number, for: ReadText(pattern: pattern, analyzer: field.analyzer), in: proofs)
            }
        }
        guard let number else { return .none }
        try QueryLimits.check(tokenCount: plan.tokens.count)
        if !variants.isEmpty { try countSpellings(of: plan.phrases[number]) }
        if scores, highlights { plan.sought.append(sought) }
        return .phrase(number)
    }

    private mutating func countSpellings(of phrase: PhrasePlan) throws(SakuinError) {
        spellingCount += plan.spellingCount(of: phrase)
        guard spellingCount <= QueryPlanDraft.spellingCountMax else {
            throw .invalid(
                "With variants the grams of a query may have \(QueryPlanDraft.spellingCountMax) spellings.",
                field: "variants", limit: QueryPlanDraft.spellingCountMax, value: spellingCount,
                nextStep: "Search a shorter text, fewer fields, or without variants.")
        }
    }

    /// Appends a text of Han and kana alone, whose normal form is the text itself; nil when it is another.
    private mutating func appendPlain(_ text: String, _ field: Int, boost: Float, scores: Bool) -> Int? {
        PlainText.withScalars(text) { run in
            // There are no pairs, and of one or two characters there is one token.
            let kinds: ProofKinds =
                !proofs.contains(.links) || run.count < 3 ? [] : proofs == .links ? .links : [.positions, .links]
            return plan.appendPhrase(
                field: field, boost: boost, scores: scores, variants: variants, for: kinds
            ) { kind, plan in
                if run.count > 1 {
                    plan.append(run: run, at: 0, isChain: kind == .links)
                } else {
                    plan.append(PlanToken(term: .character(run[0]), offset: 0))
                }
            }
        }
    }

    /// The texts near each other in any of the fields.
    private mutating func nearNode(
        _ texts: [String], _ distance: Int, _ names: [String], boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        // Those of query text have not been looked at before.
        try Query.checkNear(textCount: texts.count, distance: distance)
        for text in texts { try count(text: text) }
        let (fields, dynamic) =
            names.isEmpty ? (defaultFields, dynamicFields) : try Self.resolve(names, searched)
        if let name = dynamic.first { throw Self.noNearness(name, "has no full text") }
        var nodes: [PlanNode] = []
        try count(leaves: fields.count * texts.count)
        for field in fields {
            let name = searched.name(of: field)
            guard field.type == .text else { throw Self.noNearness(name, "is not of type text") }
            guard field.isStored else { throw Self.noNearness(name, "is not stored") }
            nodes.append(try nearNode(texts, distance, field, boost: boost, scores: scores))
        }
        return try Self.any(nodes)
    }

    private static func noNearness(_ field: String, _ reason: String) -> SakuinError {
        .invalid(
            "Nearness is read from stored text, and field '\(field)' \(reason).", field: field,
            nextStep: "Name other fields, or ask for the texts without ~.")
    }

    private mutating func nearNode(
        _ texts: [String], _ distance: Int, _ field: SearchedFields.Field, boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        var (phrases, patterns): ([PlanNode], [TextPattern]) = ([], [])
        let weight = try QueryLimits.weight(boost, field.boost)
        for text in texts {
            try heedDeadline(before: text)
            let pattern = TextPattern(text, analyzer: field.analyzer, variants: variants)
            // Separators alone are a gap, which is no unit.
            if pattern.units.isEmpty { continue }
            patterns.append(pattern)
            phrases.append(try phraseNode(text, field, isPrefix: false, boost: weight, scores: scores))
        }
        if phrases.count < 2 { return phrases.first ?? .none }
        plan.readsDocuments = true
        return .near(
            NearPlan(
                field: field.number, analyzer: field.analyzer, phrases: phrases, patterns: patterns, distance: distance)
        )
    }
}
