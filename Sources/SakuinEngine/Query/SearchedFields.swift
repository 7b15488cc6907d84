/// Knows which names before a colon are fields.
protocol FieldNames {
    func contains(_ name: String) -> Bool
}

extension Set<String>: FieldNames {}

/// The fields of a schema as searches need them, made once for an index.
final class SearchedFields: Sendable, FieldNames {
    /// Behind one reference, since planning hands it on for each text of a query.
    final class Field: Sendable {
        let number: Int
        let type: FieldType
        /// Of text and keyword fields.
        let analyzer: Analyzer
        let boost: Float
        let isStored: Bool
        /// Whether all characters have edges in segments in which only Hangul has them by the rule.
        let hasEdges: Bool

        fileprivate init(_ number: Int, _ field: FieldDefinition) {
            self.number = number
            type = field.type
            let isText = field.type == .text
            analyzer = Analyzer(
                kind: isText ? field.analyzer : .keyword, breaks: isText ? field.breaks : .soft)
            boost = field.boost
            isStored = field.stored
            hasEdges = field.hasEdges
        }
    }

    let all: [Field]
    /// What a bare text is looked for in.
    let text: [Field]
    private let numbers: [String: Int]
    private let registry: FieldRegistry

    init(_ registry: FieldRegistry) {
        self.registry = registry
        var numbers: [String: Int] = [:]
        all = registry.schema.fields.enumerated().map { number, field in
            numbers[field.name] = number
            return Field(number, field)
        }
        self.numbers = numbers
        text = all.filter { $0.type == .text }
    }

    /// A field of the schema; nil when it has none of that name.
    subscript(_ name: String) -> Field? {
        guard let number = numbers[name], registry.schema.fields[number].name.hasSameBytes(as: name) else { return nil }
        return all[number]
    }

    /// Whether documents have had a field of that name that is not in the schema.
    func isDynamic(_ name: String) -> Bool { registry.isDynamic(name) }

    func contains(_ name: String) -> Bool { self[name] != nil || isDynamic(name) }

    func name(of field: Field) -> String { registry.schema.fields[field.number].name }

    /// Throws `invalidArgument` when a field has no column, or is none; `purpose` says what it was wanted for.
    func checkColumn(_ field: String, to purpose: String) throws(SakuinError) {
        if let definition = self[field] {
            if definition.type == .text {
                throw .invalid(
                    "Field '\(field)' is text and has no column to \(purpose).", field: field,
                    nextStep: "Define it as keyword, integer, float, boolean or date; "
                        + "\(field):* finds documents with text there."
                )
            }
        } else if !isDynamic(field) {
            throw unknown(field)
        }
    }

    /// Whether a column of the field can hold the value: of the schema by its type, of others one of any kind but keywords.
    func holds(_ value: String, _ field: String) -> Bool {
        kinds(of: field).contains { $0 == .keyword || ColumnSpan(value, $0) != nil }
    }

    private func kinds(of field: String) -> [ColumnKind] {
        self[field].map { ColumnKind($0.type).map { [$0] } ?? [] } ?? [.integer, .float, .boolean, .date]
    }

    /// A value that no column of the field can hold: nothing equals it and nothing lies below or above, which would be no
    /// answer. `place` says where it stands.
    func noValue(_ value: String, of field: String, in place: String = "") -> SakuinError {
        let shown = String(value.prefix(64))
        let type = self[field]?.type
        let nextStep =
            switch type {
            case .integer, .float: "Write a number, such as 12 or -2.5."
            case .boolean: "Write true or false."
            case .date: "Write a date such as 2023-11-09 or 2023-11-09T08:30:00Z; a year is [2023-01-01 TO 2023-12-31]."
            case .text, .keyword, nil: "Write numbers, true or false, or dates such as 2023-11-09."
            }
        return .invalid(
            "'\(shown)'\(place) is no value of field '\(field)'\(type.map { " of type \($0.rawValue)" } ?? "").",
            field: field, value: shown, nextStep: nextStep)
    }

    func unknown(_ field: String) -> SakuinError {
        .invalid(
            "There is no field '\(field)'.", field: field, value: field, nextStep: "The index has: \(names).")
    }

    /// The names of the schema, for errors.
    var names: String { registry.schema.fields.map(\.name).joined(separator: ", ") }
}
