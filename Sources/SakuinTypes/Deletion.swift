// Deletion by query: what is asked for, and what came of it.

/// Deletes the documents that match, as a search would find them now; of those that are put again or deleted by somebody
/// else meanwhile it leaves what is there.
public struct DeletionRequest: Sendable, Hashable {
    /// `*:*`, or `Query.all`, deletes every document. What comes to that without saying so is refused.
    public var query: QueryInput
    /// The text fields a bare chunk is looked for in; empty: all text fields.
    public var fields: [String] = []
    public var mode: SearchMode = .exact
    /// As of a search.
    public var variants: VariantFolding = []
    /// Documents must match it too.
    public var filter: QueryInput?
    /// When each batch of deletions is acknowledged.
    public var acknowledge: AcknowledgementLevel = .disk
    /// Counts what would be deleted, and deletes nothing.
    public var isDryRun: Bool = false

    public init(_ query: QueryInput) { self.query = query }
    public init(_ text: String) { self.init(.text(text)) }

    /// The search that finds what is to be deleted, without hits.
    public var search: SearchRequest {
        var search = SearchRequest(query, limit: 0)
        search.fields = fields
        search.mode = mode
        search.variants = variants
        search.filter = filter
        return search
    }
}

/// What a deletion by query has done.
public struct DeletionReceipt: Sendable, Hashable {
    /// Documents that matched.
    public var matched: Int
    /// Of those, documents that it deleted.
    public var deleted: Int
    /// Of those, documents that were put again, or deleted by somebody else, before it came to them. They are as that left
    /// them.
    public var skipped: Int
    /// The sequence number of its last batch; of what was searched, when it deleted nothing. A search with `minSequence` of it
    /// sees what was done.
    public var sequence: UInt64
    public var level: AcknowledgementLevel
    /// What widened or limited the search, in sentences, as those of a search.
    public var notes: [String]

    public init(
        matched: Int, deleted: Int = 0, skipped: Int = 0, sequence: UInt64, level: AcknowledgementLevel,
        notes: [String] = []
    ) {
        self.matched = matched
        self.deleted = deleted
        self.skipped = skipped
        self.sequence = sequence
        self.level = level
        self.notes = notes
    }
}
