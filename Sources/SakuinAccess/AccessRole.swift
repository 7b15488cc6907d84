/// What the bearer of a token may do. Each role may do what those before it may.
public enum AccessRole: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Reads: searches, documents, statistics, exports.
    case reader
    /// Writes documents too.
    case writer
    /// Everything: makes, drops and mends indexes, steers jobs, keeps snapshots.
    case admin

    public static func < (one: AccessRole, other: AccessRole) -> Bool { one.rank < other.rank }

    private var rank: Int {
        switch self {
        case .reader: 0
        case .writer: 1
        case .admin: 2
        }
    }
}
