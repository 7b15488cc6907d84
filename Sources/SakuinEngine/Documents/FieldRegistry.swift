import Synchronization

/// The number of every field name an index has seen: the schema's fields first, in order, then others as they came.
final class FieldRegistry: Sendable {
    private struct State {
        var names: [String]
        var numbers: NameTable<Int>
    }
    private let state: Mutex<State>
    let schema: Schema
    /// Of the segments that are written.
    let analyzerVersion: UInt32
    /// Whether their grams and pairs have links.
    var hasLinks: Bool { Analyzer.hasLinks(version: analyzerVersion) }
    /// Whether characters of a field have edges, all of them; else Hangul alone. A segment may name a field that is none of
    /// the schema.
    func hasEdges(_ field: Int) -> Bool {
        Analyzer.hasEdges(version: analyzerVersion) || field >= schema.fields.count || schema.fields[field].hasEdges
    }
    let promotion: PromotionRule

    /// Field names outside the schema are limited, since each is kept in memory and in every manifest.
    static let fieldCountMax = 10_000

    /// `names` begins with the schema's. `analyzerVersion`: another than the schema asks for.
    init(
        schema: Schema, names: [String], analyzerVersion: UInt32? = nil,
        promotion: PromotionRule = PromotionRule()
    ) {
        self.schema = schema
        self.promotion = promotion
        self.analyzerVersion = analyzerVersion ?? Analyzer.version(isCompact: schema.compact)
        var all = schema.fields.map(\.name)
        all.append(contentsOf: names.dropFirst(all.count))
        var numbers = NameTable<Int>()
        for (number, name) in all.enumerated() { numbers[name] = number }
        state = Mutex(State(names: all, numbers: numbers))
    }

    var names: [String] { state.withLock { $0.names } }
    var count: Int { state.withLock { $0.names.count } }

    /// Whether it is a name outside the schema.
    func isDynamic(_ name: String) -> Bool {
        state.withLock { $0.numbers[name].map { $0 >= schema.fields.count } ?? false }
    }

    /// The number of a name, a new one if need be; throws `resourceExhausted` when there are too many.
    func number(of name: String) throws(SakuinError) -> Int {
        let known = state.withLock { $0.numbers[name] }
        if let known { return known }
        try Schema.validate(fieldName: name)
        let fresh: Int? = state.withLock { state in
            if let known = state.numbers[name] { return known }
            guard state.names.count < Self.fieldCountMax else { return nil }
            state.numbers[name] = state.names.count
            state.names.append(name)
            return state.names.count - 1
        }
        guard let fresh else {
            throw SakuinError(
                .resourceExhausted,
                "The index has \(Self.fieldCountMax) field names already; '\(name)' is one too many.",
                field: name, limit: "\(Self.fieldCountMax)",
                nextStep: "Put values with changing names into one object field.")
        }
        return fresh
    }

    /// Gives names to the numbers below `count` that have none; returns them.
    func reserve(upTo count: Int) -> [String] {
        state.withLock { state in
            var reserved: [String] = []
            while state.names.count < min(count, Self.fieldCountMax) {
                var name = "lost-field-\(state.names.count)"
                while state.numbers[name] != nil { name += "-" }
                state.numbers[name] = state.names.count
                state.names.append(name)
                reserved.append(name)
            }
            return reserved
        }
    }

    /// Takes over names that a journal holds, from number `first` on.
    func restore(first: Int, names: [String]) {
        state.withLock { state in
            for (i, name) in names.enumerated() where first + i == state.names.count {
                state.numbers[name] = state.names.count
                state.names.append(name)
            }
        }
    }
}
