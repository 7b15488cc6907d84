/// A query as a tree: what the parser makes of query text, what a program may send instead.
public indirect enum Query: Sendable, Hashable {
    /// Every document.
    case all
    /// The text's normal form is contained in one of the fields (empty: the request's fields) .
    case text(String, fields: [String])
    /// As `text`, but the last word is the beginning of a word.
    case prefix(String, fields: [String])
    /// The column of `field` lies between the bounds (nil: open). Without bounds: it has a value, or a text
    /// field has text that can be found.
    case range(field: String, lower: RangeBound?, upper: RangeBound?)
    /// The column of `field`, or its folded keyword, equals the value.
    case equals(field: String, String)
    /// All texts (at most 8) stand in one field, in any order, with at most `distance` (0 to 1,000,000) units between the
    /// first and the last that are none of theirs; gaps are no units, and no two texts share one. Stored text fields only.
    case near([String], distance: Int, fields: [String])
    case and([Query])
    case or([Query])
    case not(Query)
    /// Scores are multiplied by the factor (finite, above 0).
    case boost(Query, Float)
}

/// One end of a range; the value is read by the type of the column.
public struct RangeBound: Sendable, Hashable {
    public var value: String
    public var inclusive: Bool
    public init(_ value: String, inclusive: Bool = true) {
        self.value = value
        self.inclusive = inclusive
    }
}

/// Query text, or the tree itself.
public enum QueryInput: Sendable, Hashable {
    case text(String)
    case tree(Query)
}
