/// Knows which names before a colon are fields.
protocol FieldNames {
    func contains(_ name: String) -> Bool
}

extension Set<String>: FieldNames {}

/// The fields of a schema as searches need them, made once for an index.
final class SearchedFields: Sendable, FieldNames {
    struct Field: Sendable {
        let number: Int
        let type: FieldType
        /// Of text and keyword fields.
        let analyzer: Analyzer
        let boost: Float
        let isStored: Bool
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
            let kind: AnalyzerKind = field.type == .text ? field.analyzer : .keyword
            return Field(
                number: number, type: field.type,
                analyzer: Analyzer(kind: kind, breaks: field.type == .text ? field.breaks : .soft), boost: field.boost,
                isStored: field.stored)
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
                    nextStep: "Define it as keyword, integer, float, boolean or date.")
            }
        } else if !isDynamic(field) {
            throw unknown(field)
        }
    }

    func unknown(_ field: String) -> SakuinError {
        .invalid(
            "There is no field '\(field)'.", field: field, value: field, nextStep: "The index has: \(names).")
    }

    /// The names of the schema, for errors.
    var names: String { registry.schema.fields.map(\.name).joined(separator: ", ") }
}
