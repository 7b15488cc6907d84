/// How a query meets a document.
public enum SearchMode: String, Sendable, Hashable, CaseIterable {
    /// Contained in the normal form: grep parity.
    case exact
    /// For questions: a text that scores is also found by any of its words and pairs of characters, and texts side by side
    /// need not all be there. NOT, filters, prefixes and other fields than text stay exact. Notes of a response say by how
    /// many parts.
    case smart
}

/// How far to count.
public enum TotalPolicy: Sendable, Hashable {
    case exact
    /// Exact up to the number, then "at least".
    case atLeast(Int)
    /// Not counted: the total says at least as many as were returned.
    case none
}

/// One sort key. `_score` is the score, `_key` the document's key.
public struct SortKey: Sendable, Hashable {
    public var field: String
    public var descending: Bool
    public init(_ field: String, descending: Bool = false) {
        self.field = field
        self.descending = descending
    }
}

/// Which stored fields come back with a hit.
public enum FieldSelection: Sendable, Hashable {
    case none
    case all
    case named([String])
}

/// A search.
public struct SearchRequest: Sendable, Hashable {
    public static let windowMax = 100_000

    public var query: QueryInput
    /// The text fields a bare chunk is looked for in; empty: all text fields.
    public var fields: [String] = []
    public var mode: SearchMode = .exact
    /// What the characters of texts, also of prefixes and nearness, may be written as besides; not those of filters and of
    /// `Query.equals`.
    public var variants: VariantFolding = []
    public var limit: Int = 10
    public var offset: Int = 0
    public var total: TotalPolicy = .exact
    /// Documents must match it too; it does not score.
    public var filter: QueryInput?
    /// Empty: by score, best first.
    public var sort: [SortKey] = []
    public var returnFields: FieldSelection = .none
    /// Whether hits carry the spans of the query in their stored text fields.
    public var spans: Bool = false
    /// What to count beside the hits, at most `FacetRequest.countMax`. With any, all documents that match are looked at, so
    /// that the total is exact whatever `total` says.
    public var facets: [FacetRequest] = []
    /// Wait until this sequence number can be seen.
    public var minSequence: UInt64 = 0
    /// How long to wait for `minSequence`, in milliseconds, at most `ReadMoment.waitLimitMillisecondsMax`; 0: not at all.
    public var waitLimitMilliseconds: Int = 10_000

    /// The token of a point in time to search instead of what can be seen now; its lease begins anew.
    public var pointInTime: String?

    /// The moment to search, which the three values above make.
    public var moment: ReadMoment {
        get {
            ReadMoment(
                minSequence: minSequence, waitLimitMilliseconds: waitLimitMilliseconds, pointInTime: pointInTime)
        }
        set {
            minSequence = newValue.minSequence
            waitLimitMilliseconds = newValue.waitLimitMilliseconds
            pointInTime = newValue.pointInTime
        }
    }

    public init(_ query: QueryInput, limit: Int = 10, offset: Int = 0) {
        self.query = query
        self.limit = limit
        self.offset = offset
    }
    public init(_ text: String, limit: Int = 10, offset: Int = 0) {
        self.init(.text(text), limit: limit, offset: offset)
    }
}
