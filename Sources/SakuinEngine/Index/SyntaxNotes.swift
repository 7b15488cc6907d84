// What to say of a query that found nothing and looks as if it were written for another engine. What a person pastes is
// searched as it stands, so none of it is an error, and who meant it as syntax would not come to know.

struct SyntaxNotes {
    private let fields: SearchedFields
    private(set) var notes: [String] = []

    /// Longer texts were pasted, and hold signs of all kinds.
    private static let byteCountMax = 1 << 10
    private static let noteCountMax = 8
    /// Characters of what the names of fields come to.
    private static let namesCountMax = 200

    init(_ texts: [String], _ fields: SearchedFields) {
        self.fields = fields
        // All that looks like syntax is ASCII; most texts have none.
        for text in texts where text.utf8.count <= Self.byteCountMax && text.utf8.contains(where: { $0 < 0x80 }) {
            for word in Self.words(text) { look(at: word) }
        }
    }

    /// The names of the schema, as far as a sentence holds them.
    private lazy var names: String = {
        var names: [String] = []
        var count = 0
        for name in fields.all.lazy.map({ [fields] in fields.name(of: $0) }) {
            count += name.count + 2
            if count > Self.namesCountMax { return (names + ["…"]).joined(separator: ", ") }
            names.append(name)
        }
        return names.joined(separator: ", ") + "."
    }()

    /// What stands between blanks that are not in quotes.
    private static func words(_ text: String) -> [Substring] {
        var inQuotes = false
        return text.split { character in
            if character == "\"" { inQuotes.toggle() }
            return !inQuotes && character.isWhitespace
        }
    }

    private mutating func add(_ word: Substring, _ note: String) {
        let note = "'\(word.prefix(40))' \(note)"
        if notes.count < Self.noteCountMax, !notes.contains(note) { notes.append(note) }
    }

    private mutating func addAsText(_ word: Substring, _ reason: String) {
        add(word, "was looked for as text: \(reason)")
    }

    private mutating func look(at word: Substring) {
        let bare = word.drop { $0 == "(" || $0 == "-" }
        if bare == "&&" || bare == "||" || ["and", "or", "not"].contains(bare.lowercased()) {
            let isOperator = bare == "AND" || bare == "OR" || bare == "NOT"
            if !isOperator { addAsText(bare, "operators are AND, OR and NOT, in capitals.") }
        } else if let quote = bare.lastIndex(of: "\"") {
            lookAtField(bare)
            lookBehind(quote, in: bare)
        } else {
            lookAtField(bare)
            lookAtSigns(bare.last == ")" ? bare.dropLast() : bare)
        }
    }

    /// What stands behind quotes and is no distance.
    private mutating func lookBehind(_ quote: Substring.Index, in word: Substring) {
        let rest = word[word.index(after: quote)...].prefix { $0 != ")" && $0 != "^" }
        guard rest.first == "~" else { return }
        if let distance = Int(rest.dropFirst()), (0...1_000_000).contains(distance) { return }
        addAsText(rest, "behind quotes stands ~ and a whole number up to 1000000.")
    }

    private mutating func lookAtField(_ word: Substring) {
        guard let colon = word.firstIndex(of: ":") else { return }
        let (name, value) = (word[..<colon], word[word.index(after: colon)...])
        guard name.first.map({ $0.isLetter || $0 == "_" }) == true,
            name.allSatisfy({ $0.isLetter || $0.isNumber || "_-.,".contains($0) }), !value.hasPrefix("//")
        else { return }
        if fields.contains(String(name)) {
            if value.isEmpty {
                addAsText(word, "a field's name stands before what is looked for without a blank.")
            } else if fields[String(name)] == nil, Self.isYear(value) {
                add(word, "compares numbers: a year of dates is \(name):[2023-01-01 TO 2023-12-31].")
            }
        } else if !value.isEmpty {
            addAsText(word, "there is no field '\(name.prefix(40))'. The index has: \(names)")
        }
    }

    private static func isYear(_ value: Substring) -> Bool {
        let digits = value.drop { "<>=[{".contains($0) }
        return digits.utf8.count == 4 && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private mutating func lookAtSigns(_ word: Substring) {
        if let sign = word.first, sign == "+" || sign == "!", word.dropFirst().first?.isLetter == true {
            addAsText(word, "\(sign) is no syntax. Every text has to be there, but for those behind - or beside OR.")
        }
        if word.count > 2, word.first == "/", word.last == "/" {
            addAsText(word, "there are no regular expressions.")
        }
        let fuzzy = word.reversed().drop { $0.isNumber || $0 == "." }
        if fuzzy.first == "~", fuzzy.dropFirst().first?.isLetter == true {
            addAsText(word, "~ stands behind texts in quotes that have to be near each other.")
        }
        if Self.hasWildcard(word) {
            addAsText(word, "only a * at the end of a word stands for something, its rest.")
        }
        if word.contains("\\") { addAsText(word, "\\ is none of the syntax but in quotes.") }
    }

    /// Whether a `*` stands beside a letter and not at the end, or a `?` between two of them.
    private static func hasWildcard(_ word: Substring) -> Bool {
        let characters = Array(word)
        return characters.indices.dropLast().contains { place in
            let isAfter = place > 0 && characters[place - 1].isLetter
            let isBefore = characters[place + 1].isLetter
            return characters[place] == "*" ? isAfter || isBefore : characters[place] == "?" && isAfter && isBefore
        }
    }
}

extension SearchRequest {
    /// The texts of query and filter, as they were written.
    var writtenTexts: [String] {
        var texts: [String] = []
        if case .text(let text) = query { texts.append(text) }
        if case .text(let text)? = filter { texts.append(text) }
        return texts
    }
}
