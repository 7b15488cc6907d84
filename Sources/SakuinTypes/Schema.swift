/// What values a field holds.
public enum FieldType: String, Sendable, Hashable, CaseIterable {
    /// Full text: analysed, searched by exact match, stored.
    case text
    /// A short value matched as a whole after folding; has a column for filter and sort.
    case keyword
    /// A signed 64-bit integer column.
    case integer
    /// An IEEE 754 double column.
    case float
    /// A true/false column.
    case boolean
    /// A date or an instant (`2023-11-09`, RFC 3339); a column of milliseconds since 1970-01-01T00:00Z.
    case date
}

/// How the text of a field becomes units and tokens.
public enum AnalyzerKind: Sendable, Hashable {
    /// Bigrams of CJK characters, whole words of everything else. The default.
    case cjk
    /// Words, and every CJK character by itself; no grams.
    case words
    /// The folded whole value is one term.
    case keyword
    /// Every run of `n` characters, whatever their script. `n` is 1...8.
    case ngram(Int)

    /// The spelling used in schema files: `cjk`, `words`, `keyword`, `ngram(3)`.
    public var name: String {
        switch self {
        case .cjk: "cjk"
        case .words: "words"
        case .keyword: "keyword"
        case .ngram(let n): "ngram(\(n))"
        }
    }

    /// Reads the spelling of a schema file; nil when it is none of the four or `n` is outside 1...8.
    public init?(name: String) {
        switch name {
        case "cjk": self = .cjk
        case "words": self = .words
        case "keyword": self = .keyword
        default:
            guard name.hasPrefix("ngram("), name.hasSuffix(")"), let n = Int(name.dropFirst(6).dropLast()),
                (1...8).contains(n)
            else { return nil }
            self = .ngram(n)
        }
    }

    /// Whether the breaks policy of a field changes its tokens.
    var heedsBreaks: Bool {
        switch self {
        case .cjk, .words: true
        case .keyword, .ngram: false
        }
    }
}

/// Which blanks and line breaks vanish between CJK characters.
public enum BreaksPolicy: String, Sendable, Hashable, CaseIterable {
    /// Blanks and single line breaks vanish; a blank line separates. The default.
    case soft
    /// A blank line vanishes too: columns of a printed page.
    case join
    /// Nothing vanishes.
    case strict
}

/// One field of an index.
public struct FieldDefinition: Sendable, Hashable {
    public var name: String
    public var type: FieldType
    /// For text fields.
    public var analyzer: AnalyzerKind
    /// For text fields under analyzers `cjk` and `words`.
    public var breaks: BreaksPolicy
    /// Whether the value is kept and returned.
    public var stored: Bool
    /// For text fields under analyzer `cjk`: whether the index knows where Han characters and kana stand beside punctuation,
    /// which takes about a tenth more. Otherwise a text with one alone ("中、美", "一、总则"), and in compact indexes any with
    /// punctuation beside one, is looked for in the stored text of documents that have all the rest. Fields that are not
    /// stored know it anyway.
    public var edges: Bool
    /// For keyword fields: whether a document may have several values, an array of up to `valueCountMax` strings. Queries,
    /// filters and facets mean any of them, the score of one does not depend on the others, and documents are sorted by
    /// the least, descending by the greatest.
    public var multiple: Bool
    /// Weight of the field's score; finite and above 0.
    public var boost: Float
    /// BM25 term-frequency saturation, 0...10.
    public var k1: Float
    /// BM25 length normalisation, 0...1.
    public var b: Float

    public init(
        name: String, type: FieldType = .text, analyzer: AnalyzerKind = .cjk, breaks: BreaksPolicy = .soft,
        stored: Bool = true, edges: Bool = false, multiple: Bool = false, boost: Float = 1, k1: Float = 1.2,
        b: Float = 0.75
    ) {
        self.name = name
        self.type = type
        self.analyzer = analyzer
        self.breaks = breaks
        self.stored = stored
        self.edges = edges
        self.multiple = multiple
        self.boost = boost
        self.k1 = k1
        self.b = b
    }
}

/// The fields of an index, in order; a field's place is its number for the life of the index.
public struct Schema: Sendable, Hashable {
    public var fields: [FieldDefinition]
    /// Whether numbers, booleans and dates in fields that are not listed get a column too.
    /// Fields that are not listed are always stored and never full-text searched.
    public var dynamic: Bool
    /// Whether the index is to be small rather than fast: where grams stand is told by how often their characters occurred
    /// before, which takes a third to a sixth of the bits of a position; phrases of four characters and more take
    /// longer, since all of their bigrams are read and not every second.
    public var compact: Bool

    public init(fields: [FieldDefinition], dynamic: Bool = false, compact: Bool = false) {
        self.fields = fields
        self.dynamic = dynamic
        self.compact = compact
    }

    /// Text fields `title` and `body`, everything else stored, with columns for numbers, booleans and dates.
    public static var standard: Schema {
        Schema(fields: [FieldDefinition(name: "title"), FieldDefinition(name: "body")], dynamic: true)
    }

    /// Whether fields at the same places have the same names, byte for byte.
    package func hasSameNames(as other: Schema) -> Bool {
        fields.elementsEqual(other.fields) { $0.name.hasSameBytes(as: $1.name) }
    }

    public static let fieldCountMax = 1_000
    public static let fieldNameByteCountMax = 255

    /// Throws `invalidArgument` naming the first field that cannot be, and what would do.
    public func validate() throws(SakuinError) {
        if fields.count > Self.fieldCountMax {
            throw .invalid(
                "A schema may have \(Self.fieldCountMax) fields; this one has \(fields.count).",
                limit: Self.fieldCountMax, value: fields.count)
        }
        var seen = Set<String>()
        for field in fields {
            try Self.validate(fieldName: field.name)
            if !seen.insert(field.name).inserted {
                throw .invalid("Field '\(field.name)' is defined twice.", field: field.name)
            }
            try field.validate()
        }
    }

    /// The same for a schema that an index is to be made of: settings that would mean nothing, and names that mean
    /// something else, are errors. Indexes that were made with such a schema are opened all the same.
    public func validateNew() throws(SakuinError) {
        try validate()
        for field in fields { try field.validateNew() }
    }

    /// What sort keys mean besides fields.
    static let reservedFieldNames = ["_score", "_key"]

    /// Throws `invalidArgument` when a name is empty, too long, or could not be written in a query.
    public static func validate(fieldName name: String) throws(SakuinError) {
        if name.isEmpty || name.utf8.count > fieldNameByteCountMax {
            throw .invalid(
                "A field name has 1 to \(fieldNameByteCountMax) bytes.", field: name, limit: fieldNameByteCountMax,
                value: name.utf8.count)
        }
        for scalar in name.unicodeScalars where scalar.value < 0x21 || scalar == ":" || scalar == "\"" {
            throw .invalid(
                "Field name '\(name)' holds a blank, a control character, a colon or a quote.", field: name,
                nextStep: "Rename the field.")
        }
    }
}

extension FieldDefinition {
    /// A document has at most so many values in a field that takes several.
    public static let valueCountMax = 1_000

    func validate() throws(SakuinError) {
        if !boost.isFinite || boost <= 0 {
            throw .invalid("The boost of field '\(name)' must be above 0.", field: name, value: boost)
        }
        if !(0...10).contains(k1) {
            throw .invalid("k1 of field '\(name)' must be in 0...10.", field: name, limit: 10, value: k1)
        }
        if !(0...1).contains(b) {
            throw .invalid("b of field '\(name)' must be in 0...1.", field: name, limit: 1, value: b)
        }
        if case .ngram(let n) = analyzer, !(1...8).contains(n) {
            throw .invalid("ngram(n) of field '\(name)' takes n from 1 to 8.", field: name, limit: 8, value: n)
        }
        if multiple, type != .keyword {
            throw .invalid(
                "'multiple' of field '\(name)' is for fields of type keyword, and it is of type \(type.rawValue).",
                field: name, value: "true", nextStep: "Leave it out, or make the field one of type keyword.")
        }
    }

    /// A value that is the default is what `Schema.json` writes of any field, and says nothing.
    fileprivate func validateNew() throws(SakuinError) {
        if Schema.reservedFieldNames.contains(name) {
            throw .invalid(
                "A field cannot be named '\(name)': it is what searches sort by.", field: name,
                nextStep: "Rename the field.")
        }
        let plain = FieldDefinition(name: name)
        var meaningless: [(setting: String, value: String)] = []
        func look(_ setting: String, _ isDefault: Bool, _ value: String) {
            if !isDefault { meaningless.append((setting, value)) }
        }
        if type != .text {
            // A keyword is analysed as one, so that saying so is no mistake.
            let isPlain = analyzer == plain.analyzer || (type == .keyword && analyzer == .keyword)
            look("analyzer", isPlain, analyzer.name)
            look("breaks", breaks == plain.breaks, breaks.rawValue)
            if type != .keyword { look("boost", boost == plain.boost, "\(boost)") }
            look("k1", k1 == plain.k1, "\(k1)")
            look("b", b == plain.b, "\(b)")
        }
        if type == .text, !analyzer.heedsBreaks, breaks != plain.breaks {
            throw .invalid(
                "'breaks' of field '\(name)' means nothing: it is for text fields of analyzers cjk and words.",
                field: name, value: breaks.rawValue, nextStep: "Leave it out.")
        }
        if edges, type != .text || analyzer != .cjk || !stored {
            throw .invalid(
                "'edges' of field '\(name)' means nothing: it is for text fields of analyzer cjk that are stored.",
                field: name, value: "true", nextStep: "Leave it out.")
        }
        guard let first = meaningless.first else { return }
        throw .invalid(
            "'\(first.setting)' means nothing for field '\(name)', which is of type \(type.rawValue).", field: name,
            value: first.value, nextStep: "Leave it out, or make the field one of type text.")
    }
}
