/// Query tree to plan: each text becomes, per field, the tokens that prove it.
struct QueryPlanner {
    private let schema: Schema
    private let dynamicNames: Set<String>
    private let defaultFields: [String]
    private var plan = QueryPlan(root: .none)

    /// `dynamicNames` are fields outside the schema that documents have had.
    static func plan(
        _ query: Query, filter: Query?, schema: Schema, dynamicNames: Set<String>, fields: [String]
    ) throws(SakuinError) -> QueryPlan {
        var planner = QueryPlanner(
            schema: schema, dynamicNames: dynamicNames,
            defaultFields: fields.isEmpty ? schema.fields.filter { $0.type == .text }.map(\.name) : fields)
        var root = try planner.node(query, boost: 1, scores: true)
        if let filter {
            root = .and([root, try planner.node(filter, boost: 1, scores: false)])
        }
        planner.plan.root = root
        return planner.plan
    }

    private init(schema: Schema, dynamicNames: Set<String>, defaultFields: [String]) {
        self.schema = schema
        self.dynamicNames = dynamicNames
        self.defaultFields = defaultFields
    }

    private mutating func node(_ query: Query, boost: Float, scores: Bool) throws(SakuinError) -> PlanNode {
        switch query {
        case .all: return .all
        case .text(let text, let fields):
            return try textNode(text, fields, isPrefix: false, boost: boost, scores: scores)
        case .prefix(let text, let fields):
            return try textNode(text, fields, isPrefix: true, boost: boost, scores: scores)
        case .range(let field, let lower, let upper):
            try checkColumn(field)
            return .column(ColumnPlan(field: field, lower: lower, upper: upper))
        case .equals(let field, let value):
            return try textNode(value, [field], isPrefix: false, boost: boost, scores: scores)
        case .near:
            throw SakuinError(
                .unimplemented, "Nearness (\"a b\"~n) is not in this version.",
                nextStep: "Ask for both words without ~, or for the exact phrase.")
        case .and(let children):
            var nodes: [PlanNode] = []
            for child in children { nodes.append(try node(child, boost: boost, scores: scores)) }
            return .and(nodes)
        case .or(let children):
            var nodes: [PlanNode] = []
            for child in children { nodes.append(try node(child, boost: boost, scores: scores)) }
            return .or(nodes)
        case .not(let child): return .not(try node(child, boost: boost, scores: false))
        case .boost(let child, let factor):
            guard factor.isFinite, factor > 0 else {
                throw .invalid("A boost must be a number above 0.", field: "boost", value: factor)
            }
            return try node(child, boost: boost * factor, scores: scores)
        }
    }

    private func checkColumn(_ field: String) throws(SakuinError) {
        if let definition = schema.fields.first(where: { $0.name == field }) {
            if definition.type == .text {
                throw .invalid(
                    "Field '\(field)' is text and has no column to compare.", field: field,
                    nextStep: "Define it as keyword, integer, float, boolean or date.")
            }
        } else if !dynamicNames.contains(field) {
            throw unknownField(field)
        }
    }

    private func unknownField(_ field: String) -> SakuinError {
        let known = schema.fields.map(\.name).joined(separator: ", ")
        return SakuinError(
            .invalidArgument, "There is no field '\(field)'.", field: field, value: field,
            nextStep: "The index has: \(known).")
    }

    /// The text in any of the fields.
    private mutating func textNode(
        _ text: String, _ fields: [String], isPrefix: Bool, boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        var nodes: [PlanNode] = []
        for name in fields.isEmpty ? defaultFields : fields {
            guard let number = schema.fields.firstIndex(where: { $0.name == name }) else {
                guard dynamicNames.contains(name) else { throw unknownField(name) }
                nodes.append(.column(Self.equality(name, text)))
                continue
            }
            let field = schema.fields[number]
            switch field.type {
            case .text:
                let analyzer = Analyzer(kind: field.analyzer, breaks: field.breaks)
                nodes.append(
                    try phraseNode(
                        text, number, analyzer, isPrefix: isPrefix, boost: boost * field.boost, scores: scores))
            case .keyword:
                let analyzer = Analyzer(kind: .keyword, breaks: .soft)
                nodes.append(
                    try phraseNode(
                        text, number, analyzer, isPrefix: isPrefix, boost: boost * field.boost, scores: scores))
            case .integer, .float, .boolean, .date: nodes.append(.column(Self.equality(name, text)))
            }
        }
        if nodes.isEmpty {
            throw .invalid(
                "The index has no text field to search.", field: "fields", nextStep: "Name a field: field:text.")
        }
        return nodes.count == 1 ? nodes[0] : .or(nodes)
    }

    private static func equality(_ field: String, _ value: String) -> ColumnPlan {
        ColumnPlan(field: field, lower: RangeBound(value), upper: RangeBound(value))
    }

    private mutating func phraseNode(
        _ text: String, _ field: Int, _ analyzer: Analyzer, isPrefix: Bool, boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        let pattern: TextPattern
        do {
            pattern = try TextPattern(text, analyzer: analyzer, lastIsPrefix: isPrefix)
        } catch {
            throw .invalid("The query is not valid UTF-8.", field: "query")
        }
        // A text of separators alone has an empty normal form, which no document is searched for.
        guard !pattern.elements.isEmpty else { return .none }
        let number = plan.phrases.count
        var phrase = PhrasePlan(field: field, boost: boost)
        Self.addTokens(of: pattern, kind: analyzer.kind, to: &phrase)
        plan.phrases.append(phrase)
        if scores {
            plan.scoring.append(number)
            plan.patterns.append((field, pattern))
        }
        return .phrase(number)
    }

    /// The tokens of a pattern: runs of characters by their bigrams, single ones by their edge, words by themselves.
    private static func addTokens(of pattern: TextPattern, kind: AnalyzerKind, to phrase: inout PhrasePlan) {
        let elements = pattern.elements
        var i = 0
        var run: [UInt32] = []
        while i < elements.count {
            let element = elements[i]
            switch element.unit {
            case .word(let bytes):
                let isPrefix = pattern.lastIsPrefix && i == elements.count - 1
                phrase.append(.init(term: isPrefix ? .prefix(bytes) : .word(bytes), offset: element.position))
                i += 1
            case .character(let scalar):
                run.removeAll(keepingCapacity: true)
                run.append(scalar)
                while kind == .cjk, i + run.count < elements.count,
                    elements[i + run.count].position == elements[i + run.count - 1].position + 2,
                    case .character(let next) = elements[i + run.count].unit
                {
                    run.append(next)
                }
                if run.count > 1 {
                    phrase.append(run: run, at: element.position)
                } else {
                    let term: PlanTerm =
                        kind != .cjk ? .unit(scalar) : elements.count == 1 ? .character(scalar) : .edge(scalar)
                    phrase.append(.init(term: term, offset: element.position))
                }
                i += run.count
            }
        }
    }
}
