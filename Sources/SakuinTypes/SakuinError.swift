/// The one error that leaves Sakuin: a stable code, a sentence, and the particulars a program can read.
public struct SakuinError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable codes; numbers and meanings follow gRPC's status codes, and may be added to.
    public struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let cancelled = Code(rawValue: 1)
        public static let unknown = Code(rawValue: 2)
        public static let invalidArgument = Code(rawValue: 3)
        public static let deadlineExceeded = Code(rawValue: 4)
        public static let notFound = Code(rawValue: 5)
        public static let alreadyExists = Code(rawValue: 6)
        public static let permissionDenied = Code(rawValue: 7)
        public static let resourceExhausted = Code(rawValue: 8)
        public static let failedPrecondition = Code(rawValue: 9)
        public static let aborted = Code(rawValue: 10)
        public static let outOfRange = Code(rawValue: 11)
        public static let unimplemented = Code(rawValue: 12)
        public static let internalError = Code(rawValue: 13)
        public static let unavailable = Code(rawValue: 14)
        /// Damage was found in a file; the message names file and offset.
        public static let dataLoss = Code(rawValue: 15)
        public static let unauthenticated = Code(rawValue: 16)

        private static let names = [
            "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
            "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
            "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
        ]
        /// The upper-case name of the code, `CODE_n` for one this build does not know.
        public var description: String {
            rawValue < UInt32(Self.names.count) ? Self.names[Int(rawValue)] : "CODE_\(rawValue)"
        }
    }

    public var code: Code
    /// One sentence for a person.
    public var message: String
    /// The field, option or file it is about.
    public var field: String?
    /// The limit that was passed, as text.
    public var limit: String?
    /// The value that was given, as text.
    public var value: String?
    /// What to do next.
    public var nextStep: String?
    /// For `resourceExhausted` and `unavailable`: when trying again makes sense.
    public var retryAfterMilliseconds: UInt32?

    public init(
        _ code: Code, _ message: String, field: String? = nil, limit: String? = nil, value: String? = nil,
        nextStep: String? = nil, retryAfterMilliseconds: UInt32? = nil
    ) {
        self.code = code
        self.message = message
        self.field = field
        self.limit = limit
        self.value = value
        self.nextStep = nextStep
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// `invalidArgument` with its particulars.
    public static func invalid(
        _ message: String, field: String? = nil, limit: (any CustomStringConvertible)? = nil,
        value: (any CustomStringConvertible)? = nil, nextStep: String? = nil
    ) -> SakuinError {
        SakuinError(
            .invalidArgument, message, field: field, limit: limit?.description, value: value?.description,
            nextStep: nextStep)
    }

    /// The same for a file that the user wrote: the message names it. What is no JSON is told without `nextStep`, which
    /// speaks of documents; this one takes its place.
    public func inFile(_ path: String, nextStep: String) -> SakuinError {
        var error = self
        error.message = "\(path): \(message)"
        if field == "json" { error.nextStep = nextStep }
        return error
    }

    /// `CODE: message (field …, limit …, value …, retry after … ms) next step`.
    public var description: String {
        var particulars: [String] = []
        if let field { particulars.append("field \(field)") }
        if let limit { particulars.append("limit \(limit)") }
        if let value { particulars.append("value \(value)") }
        if let retryAfterMilliseconds { particulars.append("retry after \(retryAfterMilliseconds) ms") }
        let tail = particulars.isEmpty ? "" : " (" + particulars.joined(separator: ", ") + ")"
        let next = nextStep.map { " " + $0 } ?? ""
        return "\(code): \(message)\(tail)\(next)"
    }
}
