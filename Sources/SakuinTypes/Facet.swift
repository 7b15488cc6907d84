// Facets: counts of a column's values, or of ranges of them, over all documents that match a search.

/// What to count beside the hits: the values of one field, in every living document that matches query and filter.
public struct FacetRequest: Sendable, Hashable {
    /// A search has at most so many facets.
    public static let countMax = 32
    public static let limitMax = 1_000
    public static let rangeCountMax = 100

    /// A keyword, integer, float, boolean or date field, or one outside the schema that has numbers, booleans or dates.
    public var field: String
    /// Values to list, best first, 0 to `limitMax`; 0: only how many there are. Says nothing when there are ranges.
    public var limit: Int
    /// When there are any, at most `rangeCountMax`, documents are counted by them instead of by value.
    public var ranges: [FacetRange]

    public init(_ field: String, limit: Int = 10) {
        self.field = field
        self.limit = limit
        ranges = []
    }

    public init(_ field: String, ranges: [FacetRange]) {
        self.field = field
        limit = 0
        self.ranges = ranges
    }
}

/// The values from `lower` on that are below `upper`, each read by the type of the column, nil: open. Ranges of one facet
/// may overlap: a document counts in each that its value, or one of several, lies in.
public struct FacetRange: Sendable, Hashable {
    public static let nameByteCountMax = 255

    /// What the caller calls it, 1 to `nameByteCountMax` bytes.
    public var name: String
    public var lower: String?
    public var upper: String?

    public init(_ name: String, from lower: String? = nil, to upper: String? = nil) {
        self.name = name
        self.lower = lower
        self.upper = upper
    }
}

/// A value of a column, of the column's type.
public enum FacetValue: Sendable, Hashable {
    /// As it stands in the documents, not folded.
    case keyword(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    /// Milliseconds since 1970-01-01T00:00Z.
    case date(milliseconds: Int64)

    /// The value as a query or a range takes it; dates in UTC: `2023-11-09`, or `2023-11-09T08:30:00.000Z` if it is not
    /// midnight.
    public var text: String {
        switch self {
        case .keyword(let text): text
        case .integer(let value): String(value)
        case .float(let value): String(value)
        case .boolean(let value): value ? "true" : "false"
        case .date(let milliseconds): Self.dateText(milliseconds)
        }
    }

    private static let dayMilliseconds: Int64 = 86_400_000

    private static func dateText(_ milliseconds: Int64) -> String {
        let rest = (milliseconds % dayMilliseconds + dayMilliseconds) % dayMilliseconds
        let day = (milliseconds / dayMilliseconds) - (milliseconds % dayMilliseconds < 0 ? 1 : 0)
        let date = dateText(dayNumber: day)
        if rest == 0 { return date }
        let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60)
        return
            "\(date)T\(digits(hour, 2)):\(digits(minute, 2)):\(digits(second, 2)).\(digits(rest % 1000, 3))Z"
    }

    /// Days since 1970-01-01 to the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
    /// algorithms").
    private static func dateText(dayNumber: Int64) -> String {
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
    }

    /// A number in at least so many digits.
    private static func digits(_ value: Int64, _ count: Int) -> String {
        let text = String(value.magnitude)
        return (value < 0 ? "-" : "") + String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}

/// How many documents have a value.
public struct FacetCount: Sendable, Hashable {
    public var value: FacetValue
    public var count: Int
    public init(_ value: FacetValue, _ count: Int) {
        self.value = value
        self.count = count
    }
}

/// How many documents have a value in a range.
public struct FacetRangeCount: Sendable, Hashable {
    public var name: String
    public var count: Int
    public init(_ name: String, _ count: Int) {
        self.name = name
        self.count = count
    }
}

/// The counts of one facet. All are exact over what could be searched, which is everything when the response is `complete`.
/// A document counts once for each of its distinct values, and once in each range that one of them lies in: where a field
/// takes several, or ranges overlap, counts may add up to more than the documents.
public struct Facet: Sendable, Hashable {
    public var field: String
    /// Highest count first, then by value; integers stand before floats, booleans and dates.
    public var values: [FacetCount]
    /// Distinct values, listed or not; 0 when ranges were counted.
    public var distinctCount: Int
    /// In the order they were asked for.
    public var ranges: [FacetRangeCount]
    /// Documents with a value that is not listed, each once for every such value; or documents of which no value lies in a
    /// range.
    public var otherCount: Int
    /// Documents without a value.
    public var missingCount: Int

    public init(
        field: String, values: [FacetCount] = [], distinctCount: Int = 0, ranges: [FacetRangeCount] = [],
        otherCount: Int = 0, missingCount: Int = 0
    ) {
        self.field = field
        self.values = values
        self.distinctCount = distinctCount
        self.ranges = ranges
        self.otherCount = otherCount
        self.missingCount = missingCount
    }
}
