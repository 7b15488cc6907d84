/// A half-open range of UTF-8 byte offsets in a stored text.
public struct TextSpan: Sendable, Hashable, Comparable {
    public var start: Int
    public var end: Int
    public init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }
    public static func < (a: TextSpan, b: TextSpan) -> Bool { (a.start, a.end) < (b.start, b.end) }
}

/// The spans found in one field of a hit, ascending, not overlapping.
public struct FieldSpans: Sendable, Hashable {
    public var field: String
    public var spans: [TextSpan]
    public init(field: String, spans: [TextSpan]) {
        self.field = field
        self.spans = spans
    }
}

/// One document found.
public struct Hit: Sendable, Hashable {
    public var key: String
    /// BM25 score; 0 when the request sorts by a field.
    public var score: Float
    /// As `returnFields` asked.
    public var fields: [Document.Field]
    /// As `spans` asked.
    public var spans: [FieldSpans]

    public init(key: String, score: Float, fields: [Document.Field] = [], spans: [FieldSpans] = []) {
        self.key = key
        self.score = score
        self.fields = fields
        self.spans = spans
    }
}

/// How many documents match.
public struct Total: Sendable, Hashable {
    public enum Relation: String, Sendable, Hashable {
        case exact
        case atLeast
    }
    public var value: Int
    public var relation: Relation
    public init(_ value: Int, _ relation: Relation = .exact) {
        self.value = value
        self.relation = relation
    }
}

/// The answer to a search.
public struct SearchResponse: Sendable, Hashable {
    public var hits: [Hit]
    public var total: Total
    /// As `facets` asked, in that order.
    public var facets: [Facet]
    /// False when a part of the index could not be searched; `notes` says which.
    public var complete: Bool
    /// What capped, expanded or limited the answer, in sentences.
    public var notes: [String]
    /// Every write up to this sequence number was visible.
    public var sequence: UInt64
    public var tookMicroseconds: UInt64

    public init(
        hits: [Hit], total: Total, facets: [Facet] = [], complete: Bool = true, notes: [String] = [],
        sequence: UInt64 = 0, tookMicroseconds: UInt64 = 0
    ) {
        self.hits = hits
        self.total = total
        self.facets = facets
        self.complete = complete
        self.notes = notes
        self.sequence = sequence
        self.tookMicroseconds = tookMicroseconds
    }
}
