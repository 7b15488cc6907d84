// What no index does, whichever it is: the engine asks before it begins, the client before it sends, since much of it cannot
// cross the wire as it is (negative numbers, trees that are too deep, tokens and keys of no bytes).

extension SearchRequest {
    /// Throws what an index says to a search that none carries out.
    public func validate() throws(SakuinError) {
        if limit < 0 { throw .invalid("limit and offset must not be negative.", field: "limit", value: limit) }
        if offset < 0 { throw .invalid("limit and offset must not be negative.", field: "offset", value: offset) }
        if limit > Self.windowMax || offset > Self.windowMax - limit {
            let (end, overflows) = offset.addingReportingOverflow(limit)
            throw .invalid(
                "offset and limit reach to \(Self.windowMax) documents.", field: "offset", limit: Self.windowMax,
                value: overflows ? Int.max : end, nextStep: "Narrow the query, or export the index.")
        }
        if case .atLeast(let limit) = total, limit < 1 {
            throw .invalid("total counts to at least 1.", field: "total", value: limit)
        }
        try variants.check()
        if case .tree(let tree) = query { try tree.validate() }
        if case .tree(let tree)? = filter { try tree.validate() }
        for facet in facets { try facet.validate() }
    }
}

extension Query {
    /// The most nodes one below the other in a tree, and in a tree at all.
    public static let depthMax = 64
    public static let nodeCountMax = 4_096
    /// Of `near`; each text costs a look at every subset of the others.
    public static let nearTextCountMax = 8
    public static let nearDistanceMax = 1_000_000

    /// Throws for a tree that is larger than any index takes, and for distances that are none.
    public func validate() throws(SakuinError) {
        var count = 0
        try validate(depth: 1, &count)
    }

    private func validate(depth: Int, _ count: inout Int) throws(SakuinError) {
        count += 1
        try Self.check(depth: depth, nodeCount: count)
        switch self {
        case .all, .text, .prefix, .range, .equals: break
        case .near(let texts, let distance, _): try Self.checkNear(textCount: texts.count, distance: distance)
        case .and(let children), .or(let children):
            for place in children.indices {
                // Nearly all are leaves, which are not copied for this.
                if children[place].isLeaf {
                    count += 1
                    try Self.check(depth: depth + 1, nodeCount: count)
                } else {
                    try children[place].validate(depth: depth + 1, &count)
                }
            }
        case .not(let child), .boost(let child, _): try child.validate(depth: depth + 1, &count)
        }
    }

    /// Whether nothing but its place in the tree can be wrong.
    private var isLeaf: Bool {
        switch self {
        case .all, .text, .prefix, .range, .equals: true
        case .near, .and, .or, .not, .boost: false
        }
    }

    /// Throws when a tree has more nodes, counted so far, or is deeper than it may be.
    public static func check(depth: Int, nodeCount: Int) throws(SakuinError) {
        if depth <= depthMax, nodeCount <= nodeCountMax { return }
        throw .invalid(
            "A query tree has at most \(nodeCountMax) nodes and is \(depthMax) deep.", field: "query",
            limit: depth > depthMax ? depthMax : nodeCountMax)
    }

    /// Throws for a nearness of more texts, or of another distance, than there may be.
    public static func checkNear(textCount: Int, distance: Int) throws(SakuinError) {
        guard textCount <= nearTextCountMax else {
            throw .invalid(
                "A nearness has at most \(nearTextCountMax) texts.", field: "near", limit: nearTextCountMax,
                value: textCount, nextStep: "Join several by AND.")
        }
        guard (0...nearDistanceMax).contains(distance) else {
            throw .invalid(
                "The distance of a nearness is 0 to \(nearDistanceMax) units.", field: "distance",
                limit: nearDistanceMax, value: distance)
        }
    }
}

extension FacetRequest {
    /// Throws for a limit that no facet has.
    public func validate() throws(SakuinError) {
        guard (0...Self.limitMax).contains(limit) else {
            throw .invalid(
                "A facet lists 0 to \(Self.limitMax) values.", field: field, limit: Self.limitMax, value: limit,
                nextStep: "Narrow the query, or export the index.")
        }
    }
}

extension WriteBatch {
    /// Throws `invalidArgument` unless a document's key can be in a field of this name.
    package static func check(keyField: String) throws(SakuinError) {
        guard keyField.isEmpty else { return }
        throw .invalid(
            "The field that holds the key has no name.", field: "key_field",
            nextStep: "Name the field that holds the key (--key).")
    }

    /// Throws for an idempotency key that none can be.
    public static func check(idempotencyKey: String?) throws(SakuinError) {
        guard let key = idempotencyKey, !(1...idempotencyKeyByteCountMax).contains(key.utf8.count) else { return }
        throw .invalid(
            "An idempotency key has 1 to \(idempotencyKeyByteCountMax) bytes.", field: "idempotencyKey",
            limit: idempotencyKeyByteCountMax, value: key.utf8.count)
    }
}

extension PointInTime {
    /// What is said of a token that stands for nothing.
    public static func unknown(_ token: String) -> SakuinError {
        SakuinError(
            .notFound,
            "There is no such point in time: its lease has ended, it was closed, or the index was opened again.",
            field: "pointInTime", value: token, nextStep: "Open another one, and use it before its lease ends.")
    }

    /// Throws for an empty token, which stands for none: on the wire it would be no token, and something else would be read.
    public static func check(token: String?) throws(SakuinError) {
        if let token, token.isEmpty { throw unknown(token) }
    }

    /// Throws for a moment that a point in time cannot be opened at.
    public static func check(opening moment: ReadMoment) throws(SakuinError) {
        guard let token = moment.pointInTime else { return }
        throw .invalid(
            "A point in time is opened of what can be seen, not of another one.", field: "pointInTime", value: token,
            nextStep: "Go on with the one there is: every use begins its lease anew.")
    }

    /// Throws for a lease that none can have.
    public static func check(leaseMilliseconds: Int) throws(SakuinError) {
        guard (1...leaseMillisecondsMax).contains(leaseMilliseconds) else {
            throw .invalid(
                "A lease lasts 1 to \(leaseMillisecondsMax) milliseconds.", field: "leaseMilliseconds",
                limit: leaseMillisecondsMax, value: leaseMilliseconds,
                nextStep: "Every use begins the lease anew: a short one is enough.")
        }
    }
}

extension SnapshotListing {
    /// Throws for an empty name of a snapshot to make, which is no name: on the wire the time would be its name.
    public static func check(newSnapshot name: String?) throws(SakuinError) {
        try check(name, "The name of a snapshot is empty.", field: "snapshot", without: "the time is its name")
    }

    /// The same of the index that a snapshot is restored as.
    public static func check(restoredName name: String?) throws(SakuinError) {
        try check(
            name, "The name of the restored index is empty.", field: "name",
            without: "it is that of the index the snapshot was made of")
    }

    /// The same of the index whose snapshots are listed.
    public static func check(owner name: String?) throws(SakuinError) {
        try check(name, "The name of the index is empty.", field: "index", without: "those of all indexes are listed")
    }

    private static func check(
        _ name: String?, _ message: String, field: String, without: String
    ) throws(SakuinError) {
        guard let name, name.isEmpty else { return }
        throw .invalid(message, field: field, nextStep: "Give one, or none at all: then \(without).")
    }
}

extension JobAction {
    /// Throws for a speed at which nothing would move.
    public func validate() throws(SakuinError) {
        if case .throttle(let rate?) = self, rate < 1 {
            throw .invalid(
                "A job needs at least 1 byte a second.", field: "bytesPerSecond", limit: 1, value: rate,
                nextStep: "Pause it instead.")
        }
    }

    /// The same for a check that is yet to be started.
    public static func validate(checkBytesPerSecond rate: Int?) throws(SakuinError) {
        if let rate, rate < 1 {
            throw .invalid("A check needs at least 1 byte a second.", field: "bytesPerSecond", limit: 1, value: rate)
        }
    }
}
