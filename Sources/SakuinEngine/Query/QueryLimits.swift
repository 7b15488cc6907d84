/// What a query may ask for, so that planning one takes little memory and time whoever sends it.
enum QueryLimits {
    /// Bytes of UTF-8 of all its texts.
    static let textByteCountMax = 64 << 10
    /// Texts, each counted once for each field it is looked for in.
    static let leafCountMax = 16_384
    /// Names of fields that a text is looked for in.
    static let fieldCountMax = 1_024
    /// Grams and words that prove them.
    static let tokenCountMax = 1 << 18

    /// What the boosts around a text and that of its field may come to: scores would be infinite or all 0 beyond.
    static let weights: ClosedRange<Float> = 1e-30...1e30

    static func weight(_ boost: Float, _ factor: Float) throws(SakuinError) -> Float {
        let weight = boost * factor
        guard weights.contains(weight) else {
            throw .invalid(
                "The boosts around a text and that of its field, multiplied, are \(weights.lowerBound) to \(weights.upperBound).",
                field: "boost", limit: weight < 1 ? weights.lowerBound : weights.upperBound,
                value: Double(boost) * Double(factor), nextStep: "Use boosts nearer to 1.")
        }
        return weight
    }

    static func check(textByteCount count: Int) throws(SakuinError) {
        try check(
            count, textByteCountMax, "The texts of a query have at most \(textByteCountMax) bytes.", field: "query",
            nextStep: "Search a part of the text.")
    }

    static func check(leafCount count: Int) throws(SakuinError) {
        try check(
            count, leafCountMax, "A query may have \(leafCountMax) texts, counted for each field.", field: "fields",
            nextStep: "Search fewer fields, or fewer texts.")
    }

    static func check(fieldCount count: Int) throws(SakuinError) {
        try check(
            count, fieldCountMax, "A text is looked for in at most \(fieldCountMax) fields.", field: "fields",
            nextStep: "Name fewer fields.")
    }

    static func check(tokenCount count: Int) throws(SakuinError) {
        try check(
            count, tokenCountMax, "A query may have \(tokenCountMax) grams and words, counted for each field.",
            field: "fields", nextStep: "Search fewer fields, or a shorter text.")
    }

    @inline(__always)
    private static func check(
        _ count: Int, _ limit: Int, _ message: @autoclosure () -> String, field: String, nextStep: String
    ) throws(SakuinError) {
        if count <= limit { return }
        throw .invalid(message(), field: field, limit: limit, value: count, nextStep: nextStep)
    }
}

extension SearchRequest {
    /// Whether planning it takes a moment only.
    var isShort: Bool {
        let most = 4_096
        return fields.count <= 64 && query.size <= most && (filter?.size ?? 0) <= most
    }
}

extension QueryInput {
    fileprivate var size: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .tree(let query): query.size
        }
    }
}

extension Query {
    /// Bytes of its texts, and some for each node and field.
    fileprivate var size: Int {
        switch self {
        case .all: 16
        case .text(let text, let fields), .prefix(let text, let fields): text.utf8.count + 16 * (1 + fields.count)
        case .equals(_, let value): value.utf8.count + 16
        case .range: 16
        case .near(let texts, _, let fields):
            texts.reduce(16) { $0 + 16 + $1.utf8.count } + 16 * fields.count
        case .and(let children), .or(let children): children.reduce(16) { $0 + $1.size }
        case .not(let child), .boost(let child, _): 16 + child.size
        }
    }
}
