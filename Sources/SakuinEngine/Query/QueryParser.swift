// Query text to the query tree.
//
//     query   = and { "OR" and }
//     and     = unary { [ "AND" ] unary }
//     unary   = ( "NOT" | "-" ) unary | primary [ "^" number ]
//     primary = "(" query ")" | field ":" ( "(" query ")" | "*" | range | comparison | chunk ) | chunk
//     chunk   = "*:*" | quoted [ "~" number ] | bare [ "*" ]
//     range   = ( "[" | "{" ) ( value | "*" ) "TO" ( value | "*" ) ( "]" | "}" )
//     value   = quoted | what has no blank
//
// Chunks stand between blanks. A name before a colon is a field only when the index has it; anything that does not fit
// the grammar is plain text, so that what a person pastes is searched as it stands.
//
// In mode `smart` texts side by side are joined by OR, what has more of them being better; what AND stands between is one
// of them. NOT and ranges are needed all the same.

struct QueryParser {
    static let depthMax = 64
    static let clauseMax = 1_024

    private let text: [Unicode.Scalar]
    private let knownFields: any FieldNames
    /// The places of '(' with a ')' of their own.
    private let closed: Set<Int>
    /// What NOT stands before is exact.
    private var isSmart: Bool
    private var at = 0
    private var clauses = 0
    private var groupDepth = 0
    /// Groups and NOTs around what is read.
    private var depth = 0

    /// The tree of a query text. Throws `invalidArgument` with the place of what cannot be.
    static func parse(
        _ text: String, mode: SearchMode = .exact, knownFields: any FieldNames
    ) throws(SakuinError) -> Query {
        try QueryLimits.check(textByteCount: text.utf8.count)
        if isPlain(text) { return .text(text, fields: []) }
        var parser = QueryParser(text: Array(text.unicodeScalars), knownFields, isSmart: mode == .smart)
        parser.skipBlanks()
        if parser.isAtEnd {
            throw .invalid("The query is empty.", field: "query", nextStep: "Write a word to look for.")
        }
        let query = try parser.or(fields: [])
        parser.skipBlanks()
        guard parser.isAtEnd else { throw parser.failure("A ')' has no '('.") }
        return query
    }

    /// Whether there is nothing in a text that the grammar knows: kana, bopomofo, hangul letters and Han characters alone,
    /// also those of the planes behind the first two, which most queries are. No blank is among them.
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                (0x3041...0x9FFF).contains($0.value) || (0x20000...0x3FFFF).contains($0.value)
            }
    }

    private init(text: [Unicode.Scalar], _ knownFields: any FieldNames, isSmart: Bool) {
        self.text = text
        closed = Self.closedParentheses(text)
        self.knownFields = knownFields
        self.isSmart = isSmart
    }

    private var isAtEnd: Bool { at >= text.count }
    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? { at + ahead < text.count ? text[at + ahead] : nil }
    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

    private mutating func skipBlanks() { while let next = peek(), Self.isBlank(next) { at += 1 } }

    private func failure(_ message: String, at place: Int? = nil) -> SakuinError {
        .invalid(
            message, field: "query", value: "character \((place ?? at) + 1)",
            nextStep: "Quote the text to search it as it stands.")
    }

    /// Whether the word stands here with a blank or the end behind it.
    private func sees(_ word: String) -> Bool {
        let scalars = Array(word.unicodeScalars)
        guard at + scalars.count <= text.count, Array(text[at..<(at + scalars.count)]) == scalars else { return false }
        guard let next = peek(scalars.count) else { return true }
        return Self.isBlank(next) || next == "("
    }

    private mutating func enter() throws(SakuinError) {
        depth += 1
        guard depth <= Self.depthMax else {
            throw .invalid("Groups and NOTs may be nested \(Self.depthMax) deep.", field: "query", limit: Self.depthMax)
        }
    }

    private mutating func or(fields: [String]) throws(SakuinError) -> Query {
        groupDepth += 1
        defer { groupDepth -= 1 }
        try enter()
        defer { depth -= 1 }
        var parts = [try and(fields: fields)]
        skipBlanks()
        while sees("OR") {
            at += 2
            parts.append(try and(fields: fields))
            skipBlanks()
        }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func and(fields: [String]) throws(SakuinError) -> Query {
        // What AND stands between is one group.
        var groups: [[Query]] = []
        while true {
            skipBlanks()
            if isAtEnd || sees("OR") || (peek() == ")" && groupDepth > 1) { break }
            let isJoined = sees("AND")
            if isJoined {
                guard !groups.isEmpty else { throw failure("AND has nothing before it.") }
                at += 3
                skipBlanks()
                if isAtEnd || sees("OR") || sees("AND") { throw failure("AND has nothing behind it.") }
            }
            let part = try unary(fields: fields)
            if isJoined { groups[groups.count - 1].append(part) } else { groups.append([part]) }
            clauses += 1
            guard clauses <= Self.clauseMax else {
                throw .invalid(
                    "A query may have \(Self.clauseMax) clauses.", field: "query", limit: Self.clauseMax,
                    value: clauses)
            }
        }
        guard !groups.isEmpty else { throw failure("Something to look for is missing.") }
        if isSmart { return Self.smart(groups) }
        let parts = groups.flatMap { $0 }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    /// Any of the groups, which are texts, and what is needed.
    private static func smart(_ groups: [[Query]]) -> Query {
        var (texts, needed): ([Query], [Query]) = ([], [])
        for group in groups {
            guard group.count == 1 else {
                texts.append(.and(group))
                continue
            }
            switch group[0] {
            case .not, .range, .all: needed.append(group[0])
            default: texts.append(group[0])
            }
        }
        if !texts.isEmpty { needed.insert(texts.count == 1 ? texts[0] : .or(texts), at: 0) }
        return needed.count == 1 ? needed[0] : .and(needed)
    }

    private mutating func unary(fields: [String]) throws(SakuinError) -> Query {
        if sees("NOT") {
            at += 3
            skipBlanks()
            if isAtEnd { throw failure("NOT has nothing behind it.") }
            return try not(fields: fields)
        }
        if peek() == "-", let next = peek(1), !Self.isBlank(next), next != "-" {
            at += 1
            return try not(fields: fields)
        }
        let query = try primary(fields: fields)
        guard peek() == "^", let factor = number(from: at + 1) else { return query }
        at = factor.end
        guard factor.value > 0, factor.value.isFinite else { throw failure("A boost is above 0.") }
        return .boost(query, Float(factor.value))
    }

    private mutating func not(fields: [String]) throws(SakuinError) -> Query {
        let wasSmart = isSmart
        isSmart = false
        defer { isSmart = wasSmart }
        try enter()
        defer { depth -= 1 }
        return .not(try unary(fields: fields))
    }

    private mutating func primary(fields: [String]) throws(SakuinError) -> Query {
        if peek() == "(", closed.contains(at) { return try group(fields: fields) }
        if let (name, end) = fieldPrefix() {
            at = end
            if peek() == "(", closed.contains(at) { return try group(fields: [name]) }
            if takeStar() { return .range(field: name, lower: nil, upper: nil) }
            if let range = try range(name) { return range }
            if let comparison = try comparison(name) { return comparison }
            return try chunk(fields: [name])
        }
        return try chunk(fields: fields)
    }

    private mutating func group(fields: [String]) throws(SakuinError) -> Query {
        at += 1
        let query = try or(fields: fields)
        skipBlanks()
        guard peek() == ")" else { throw failure("A '(' has no ')'.") }
        at += 1
        return query
    }

    /// The places of '(' that a ')' closes, with what stands in quotes between them left out: an even number of quotes is
    /// between the two.
    static func closedParentheses(_ text: [Unicode.Scalar]) -> Set<Int> {
        var closed: Set<Int> = []
        var (inside, outside): ([Int], [Int]) = ([], [])
        var inQuotes = false
        for (place, scalar) in text.enumerated() {
            switch scalar {
            case "\"": inQuotes.toggle()
            case "(": if inQuotes { inside.append(place) } else { outside.append(place) }
            case ")": if let open = inQuotes ? inside.popLast() : outside.popLast() { closed.insert(open) }
            default: break
            }
        }
        return closed
    }

    /// A known field name and a colon with something behind it.
    private func fieldPrefix() -> (name: String, end: Int)? {
        var end = at
        while end < text.count, !Self.isBlank(text[end]), text[end] != ":", text[end] != "\"" { end += 1 }
        guard end < text.count - 1, end > at, text[end] == ":", !Self.isBlank(text[end + 1]) else { return nil }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: text[at..<end])
        return knownFields.contains(String(name)) ? (String(name), end + 1) : nil
    }

    /// A decimal number that ends at a blank, a closing parenthesis or the end.
    private func number(from start: Int) -> (value: Double, end: Int)? {
        var end = start
        while end < text.count, ("0"..."9").contains(text[end]) || text[end] == "." { end += 1 }
        guard end > start, end == text.count || Self.isBlank(text[end]) || text[end] == ")" else { return nil }
        return Double(string(start, end)).map { ($0, end) }
    }

    private func string(_ from: Int, _ to: Int) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text[from..<to])
        return String(view)
    }

    // MARK: Ranges

    /// `field:*`, a range without ends; one with more beside it is text.
    private mutating func takeStar() -> Bool {
        guard peek() == "*" else { return false }
        if let next = peek(1), !Self.isBlank(next), next != "^", next != ")" || groupDepth < 2 { return false }
        at += 1
        return true
    }

    private mutating func range(_ field: String) throws(SakuinError) -> Query? {
        guard let open = peek(), open == "[" || open == "{" else { return nil }
        var place = at + 1
        guard let lower = bound(&place, inclusive: open == "["), take("TO", &place),
            let upper = bound(&place, inclusive: true), let close = bracket(&place)
        else {
            // One that is not closed is plain text.
            guard text[at...].contains(where: Self.isBracket) else { return nil }
            throw failure("A range is [a TO b], with * for an open end and quotes around what has blanks.")
        }
        at = place
        var end = upper.bound
        end?.inclusive = close == "]"
        return .range(field: field, lower: lower.bound, upper: end)
    }

    private static func isBracket(_ scalar: Unicode.Scalar) -> Bool { scalar == "]" || scalar == "}" }

    private struct RangeEnd {
        /// nil: it is open.
        var bound: RangeBound?
    }

    /// An end of a range from `place` on, which moves behind it; nil when there is none.
    private func bound(_ place: inout Int, inclusive: Bool) -> RangeEnd? {
        while place < text.count, Self.isBlank(text[place]) { place += 1 }
        if place < text.count, text[place] == "\"" {
            guard let (value, end) = quotedText(at: place) else { return nil }
            place = end
            return RangeEnd(bound: RangeBound(value, inclusive: inclusive))
        }
        let start = place
        while place < text.count, !Self.isBlank(text[place]), !Self.isBracket(text[place]) { place += 1 }
        guard place > start else { return nil }
        let value = string(start, place)
        return RangeEnd(bound: value == "*" ? nil : RangeBound(value, inclusive: inclusive))
    }

    /// Whether the word stands between blanks at `place`, which moves behind it then.
    private func take(_ word: String, _ place: inout Int) -> Bool {
        let start = place
        while place < text.count, Self.isBlank(text[place]) { place += 1 }
        let end = place + word.unicodeScalars.count
        guard place > start, end < text.count, Self.isBlank(text[end]), string(place, end) == word else { return false }
        place = end
        return true
    }

    private func bracket(_ place: inout Int) -> Unicode.Scalar? {
        while place < text.count, Self.isBlank(text[place]) { place += 1 }
        guard place < text.count, Self.isBracket(text[place]) else { return nil }
        place += 1
        return text[place - 1]
    }

    /// `field:>5`, `field:>=5`, `field:<5`, `field:<=5`.
    private mutating func comparison(_ field: String) throws(SakuinError) -> Query? {
        guard let sign = peek(), sign == "<" || sign == ">" else { return nil }
        let inclusive = peek(1) == "="
        let start = at + (inclusive ? 2 : 1)
        var end = start
        let value: String
        if let quoted = quotedText(at: start) {
            (value, end) = quoted
        } else if start < text.count, text[start] == "\"" {
            throw failure("A quote is not closed.", at: start)
        } else {
            while end < text.count, !Self.isBlank(text[end]), text[end] != ")" { end += 1 }
            guard end > start else { return nil }
            value = string(start, end)
        }
        let bound = RangeBound(value, inclusive: inclusive)
        at = end
        return sign == ">"
            ? .range(field: field, lower: bound, upper: nil) : .range(field: field, lower: nil, upper: bound)
    }

    // MARK: Chunks

    private mutating func chunk(fields: [String]) throws(SakuinError) -> Query {
        peek() == "\"" ? try quoted(fields: fields) : try bare(fields: fields)
    }

    /// What stands in the quotes that begin at a place, and the place behind them; nil when none begin or they do not end.
    private func quotedText(at start: Int) -> (content: String, end: Int)? {
        guard start < text.count, text[start] == "\"" else { return nil }
        var content = String.UnicodeScalarView()
        var place = start + 1
        while place < text.count, text[place] != "\"" {
            if text[place] == "\\", place + 1 < text.count, text[place + 1] == "\"" || text[place + 1] == "\\" {
                place += 1
            }
            content.append(text[place])
            place += 1
        }
        return place < text.count ? (String(content), place + 1) : nil
    }

    private mutating func quoted(fields: [String]) throws(SakuinError) -> Query {
        guard let (content, end) = quotedText(at: at) else { throw failure("A quote is not closed.") }
        at = end
        if peek() == "~", let distance = number(from: at + 1) {
            guard distance.value == distance.value.rounded(), distance.value <= Double(Query.nearDistanceMax) else {
                throw .invalid(
                    "A distance behind quotes is a whole number up to \(Query.nearDistanceMax).", field: "query",
                    limit: Query.nearDistanceMax, value: string(at, distance.end),
                    nextStep: "Write a smaller or a whole number, or quote the text to search it as it stands.")
            }
            at = distance.end
            let parts = content.split(whereSeparator: \.isWhitespace).map(String.init)
            return .near(parts, distance: Int(distance.value), fields: fields)
        }
        return .text(content, fields: fields)
    }

    private mutating func bare(fields: [String]) throws(SakuinError) -> Query {
        let start = at
        var depth = 0
        while let next = peek(), !Self.isBlank(next), next != "\"" {
            if next == "(" { depth += 1 }
            if next == ")" {
                // The end of a group around, not part of the text.
                if depth == 0, groupDepth > 1 { break }
                depth -= 1
            }
            if next == "^", at > start, number(from: at + 1) != nil { break }
            at += 1
        }
        if at == start { throw failure("Something to look for is missing.") }
        if fields.isEmpty, string(start, at) == "*:*" { return .all }
        if at - start > 1, text[at - 1] == "*" { return .prefix(string(start, at - 1), fields: fields) }
        return .text(string(start, at), fields: fields)
    }
}
