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
        let parts = Self.parts(of: pattern, kind: analyzer.kind)
        let number = plan.phrases.count
        plan.phrases.append(PhrasePlan(field: field, boost: boost, parts: parts))
        if scores {
            plan.scoring.append(number)
            plan.patterns.append((field, pattern))
        }
        return .phrase(number)
    }

    /// The tokens of a pattern: runs of characters by their bigrams, single ones by their edge, words by themselves.
    static func parts(of pattern: TextPattern, kind: AnalyzerKind) -> [PhrasePlan.Part] {
        let elements = pattern.elements
        var parts: [PhrasePlan.Part] = []
        var i = 0
        while i < elements.count {
            let element = elements[i]
            switch element.unit {
            case .word(let bytes):
                let isPrefix = pattern.lastIsPrefix && i == elements.count - 1
                parts.append(
                    .token(.init(term: isPrefix ? .prefix(bytes) : .word(bytes), offset: element.position)))
                i += 1
            case .character(let scalar):
                var run = [scalar]
                while kind == .cjk, i + run.count < elements.count,
                    elements[i + run.count].position == elements[i + run.count - 1].position + 2,
                    case .character(let next) = elements[i + run.count].unit
                {
                    run.append(next)
                }
                parts.append(part(run, at: element.position, alone: elements.count == 1, kind: kind))
                i += run.count
            }
        }
        return parts
    }

    private static func part(
        _ run: [UInt32], at position: UInt32, alone: Bool, kind: AnalyzerKind
    ) -> PhrasePlan.Part {
        if run.count == 1 {
            let term: PlanTerm = kind != .cjk ? .unit(run[0]) : alone ? .character(run[0]) : .edge(run[0])
            return .token(.init(term: term, offset: position))
        }
        let bigrams = (0..<(run.count - 1)).map { i in
            PhrasePlan.Token(term: .bigram(run[i], run[i + 1]), offset: position + UInt32(2 * i))
        }
        return bigrams.count == 1 ? .token(bigrams[0]) : .run(bigrams)
    }
}
