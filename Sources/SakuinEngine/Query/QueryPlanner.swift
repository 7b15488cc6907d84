/// Query tree to plan: each text becomes, per field, the tokens that prove it.
struct QueryPlanner {
    private let searched: SearchedFields
    private let defaultFields: [SearchedFields.Field]
    /// Fields of the request that are not in the schema.
    private var dynamicFields: [String] = []
    private var plan = QueryPlan(root: .none)
    private let highlights: Bool

    /// `fields` are those of the request; none: all text fields. With `highlights` the plan says what is to be shown.
    static func plan(
        _ query: Query, filter: Query?, _ searched: SearchedFields, fields: [String], highlights: Bool
    ) throws(SakuinError) -> QueryPlan {
        var planner = try QueryPlanner(searched, fields, highlights)
        var root = try planner.node(query, boost: 1, scores: true)
        if let filter {
            root = .and([root, try planner.node(filter, boost: 1, scores: false)])
        }
        planner.plan.root = root
        return planner.plan
    }

    private init(_ searched: SearchedFields, _ names: [String], _ highlights: Bool) throws(SakuinError) {
        self.searched = searched
        self.highlights = highlights
        if names.isEmpty {
            defaultFields = searched.text
            return
        }
        (defaultFields, dynamicFields) = try Self.resolve(names, searched)
    }

    private static func resolve(
        _ names: [String], _ searched: SearchedFields
    ) throws(SakuinError) -> ([SearchedFields.Field], [String]) {
        var known: [SearchedFields.Field] = []
        var dynamic: [String] = []
        for name in names {
            if let field = searched[name] {
                known.append(field)
            } else if searched.isDynamic(name) {
                dynamic.append(name)
            } else {
                throw unknownField(name, searched)
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
        if let definition = searched[field] {
            if definition.type == .text {
                throw .invalid(
                    "Field '\(field)' is text and has no column to compare.", field: field,
                    nextStep: "Define it as keyword, integer, float, boolean or date.")
            }
        } else if !searched.isDynamic(field) {
            throw Self.unknownField(field, searched)
        }
    }

    private static func unknownField(_ field: String, _ searched: SearchedFields) -> SakuinError {
        SakuinError(
            .invalidArgument, "There is no field '\(field)'.", field: field, value: field,
            nextStep: "The index has: \(searched.names).")
    }

    /// The text in any of the fields.
    private mutating func textNode(
        _ text: String, _ names: [String], isPrefix: Bool, boost: Float, scores: Bool
    ) throws(SakuinError) -> PlanNode {
        let (fields, dynamic) =
            names.isEmpty ? (defaultFields, dynamicFields) : try Self.resolve(names, searched)
        if fields.count == 1, dynamic.isEmpty {
            return node(text, in: fields[0], isPrefix: isPrefix, boost: boost, scores: scores)
        }
        var nodes: [PlanNode] = []
        for field in fields { nodes.append(node(text, in: field, isPrefix: isPrefix, boost: boost, scores: scores)) }
        for name in dynamic { nodes.append(.column(Self.equality(name, text))) }
        if nodes.isEmpty {
            throw .invalid(
                "The index has no text field to search.", field: "fields", nextStep: "Name a field: field:text.")
        }
        return nodes.count == 1 ? nodes[0] : .or(nodes)
    }

    private mutating func node(
        _ text: String, in field: SearchedFields.Field, isPrefix: Bool, boost: Float, scores: Bool
    ) -> PlanNode {
        switch field.type {
        case .text, .keyword:
            return phraseNode(text, field, isPrefix: isPrefix, boost: boost * field.boost, scores: scores)
        case .integer, .float, .boolean, .date:
            return .column(Self.equality(searched.name(of: field), text))
        }
    }

    private static func equality(_ field: String, _ value: String) -> ColumnPlan {
        ColumnPlan(field: field, lower: RangeBound(value), upper: RangeBound(value))
    }

    private mutating func phraseNode(
        _ text: String, _ field: SearchedFields.Field, isPrefix: Bool, boost: Float, scores: Bool
    ) -> PlanNode {
        let kind = field.analyzer.kind
        let sought = SoughtText(field: field.number, text: text, analyzer: field.analyzer, lastIsPrefix: isPrefix)
        var number = kind == .cjk ? appendPlain(text, field.number, boost: boost, scores: scores) : nil
        if number == nil {
            let pattern = sought.pattern
            // A text of separators alone has an empty normal form, which no document is searched for.
            guard !pattern.elements.isEmpty else { return .none }
            number = plan.appendPhrase(field: field.number, boost: boost, scores: scores) { plan in
                Self.addTokens(of: pattern, kind: kind, to: &plan)
            }
        }
        guard let number else { return .none }
        if scores, highlights { plan.sought.append(sought) }
        return .phrase(number)
    }

    /// Appends a text of Han and kana alone, whose normal form is the text itself; nil when it is another.
    private mutating func appendPlain(_ text: String, _ field: Int, boost: Float, scores: Bool) -> Int? {
        PlainText.withScalars(text) { run in
            plan.appendPhrase(field: field, boost: boost, scores: scores) { plan in
                if run.count > 1 {
                    plan.append(run: run, at: 0)
                } else {
                    plan.append(PlanToken(term: .character(run[0]), offset: 0))
                }
            }
        }
    }

    /// The tokens of a pattern: runs of characters by their bigrams, single ones by their edge, words by themselves.
    private static func addTokens(of pattern: TextPattern, kind: AnalyzerKind, to plan: inout QueryPlan) {
        let elements = pattern.elements
        var i = 0
        var run: [UInt32] = []
        while i < elements.count {
            let element = elements[i]
            switch element.unit {
            case .word(let bytes):
                let isPrefix = pattern.lastIsPrefix && i == elements.count - 1
                plan.append(word: bytes, isPrefix: isPrefix, at: element.position)
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
                    run.withUnsafeBufferPointer { plan.append(run: $0, at: element.position) }
                } else {
                    let term: PlanTerm =
                        kind != .cjk ? .unit(scalar) : elements.count == 1 ? .character(scalar) : .edge(scalar)
                    plan.append(PlanToken(term: term, offset: element.position))
                }
                i += run.count
            }
        }
    }
}
