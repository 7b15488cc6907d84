extension Schema {
    /// A schema file: `{"fields": [{"name": "body", "type": "text", …}], "dynamic": false, "compact": false}`.
    /// Members that are not known are errors that name them and the known ones. The result is validated.
    public init(json: [UInt8]) throws(SakuinError) {
        let value = try JSONValue(parsing: json)
        guard case .object(let members) = value else {
            throw .invalid("A schema is a JSON object.", field: "schema", nextStep: "Write {\"fields\": […]}.")
        }
        try Self.check(members, known: ["fields", "dynamic", "compact"], of: "schema")
        guard case .array(let fields)? = value["fields"] else {
            throw .invalid("A schema has an array 'fields'.", field: "fields")
        }
        self.init(fields: [])
        for field in fields { self.fields.append(try FieldDefinition(field)) }
        dynamic = try Self.flag("dynamic", of: value)
        compact = try Self.flag("compact", of: value)
        try validate()
    }

    private static func flag(_ name: String, of value: JSONValue) throws(SakuinError) -> Bool {
        switch value[name] {
        case .boolean(let flag)?: return flag
        case nil: return false
        default: throw .invalid("'\(name)' is true or false.", field: name)
        }
    }

    /// The schema as the file that makes it.
    public func json() -> String {
        let list = fields.map { field -> JSONValue in
            var members: [JSONValue.Member] = [
                .init(key: "name", value: .string(field.name)),
                .init(key: "type", value: .string(field.type.rawValue)),
                .init(key: "analyzer", value: .string(field.analyzer.name)),
                .init(key: "breaks", value: .string(field.breaks.rawValue)),
                .init(key: "stored", value: .boolean(field.stored)),
                .init(key: "boost", value: .float(Double(field.boost))),
                .init(key: "k1", value: .float(Double(field.k1))),
                .init(key: "b", value: .float(Double(field.b))),
            ]
            if field.edges { members.append(.init(key: "edges", value: .boolean(true))) }
            if field.multiple { members.append(.init(key: "multiple", value: .boolean(true))) }
            return .object(members)
        }
        var members: [JSONValue.Member] = [
            .init(key: "fields", value: .array(list)), .init(key: "dynamic", value: .boolean(dynamic)),
        ]
        if compact { members.append(.init(key: "compact", value: .boolean(true))) }
        return JSONValue.object(members).text
    }

    fileprivate static func check(
        _ members: [JSONValue.Member], known: [String], of what: String
    ) throws(SakuinError) {
        var seen = Set<String>()
        for member in members {
            guard known.contains(member.key) else {
                throw .invalid(
                    "'\(member.key)' is no member of a \(what).", field: member.key,
                    nextStep: "Known are: \(known.joined(separator: ", ")).")
            }
            guard seen.insert(member.key).inserted else {
                throw .invalid("'\(member.key)' stands twice in a \(what).", field: member.key)
            }
        }
    }
}

extension FieldDefinition {
    fileprivate init(_ json: JSONValue) throws(SakuinError) {
        guard case .object(let members) = json, case .string(let name)? = json["name"] else {
            throw .invalid("A field is an object with a string 'name'.", field: "fields", value: json.text)
        }
        try Schema.check(
            members,
            known: ["name", "type", "analyzer", "breaks", "stored", "edges", "multiple", "boost", "k1", "b"],
            of: "field")
        self.init(name: name)
        for member in members where member.key != "name" { try set(member) }
    }

    private mutating func set(_ member: JSONValue.Member) throws(SakuinError) {
        func wrong(_ expected: String) -> SakuinError {
            .invalid(
                "'\(member.key)' of field '\(name)' is \(expected).", field: name, value: member.value.text)
        }
        switch (member.key, member.value) {
        case ("type", .string(let text)):
            guard let type = FieldType(rawValue: text) else {
                throw wrong("one of " + FieldType.allCases.map(\.rawValue).joined(separator: ", "))
            }
            self.type = type
        case ("analyzer", .string(let text)):
            guard let kind = AnalyzerKind(name: text) else {
                throw wrong("cjk, words, keyword or ngram(n) with n from 1 to 8")
            }
            analyzer = kind
        case ("breaks", .string(let text)):
            guard let policy = BreaksPolicy(rawValue: text) else { throw wrong("soft, join or strict") }
            breaks = policy
        case ("stored", .boolean(let flag)): stored = flag
        case ("edges", .boolean(let flag)): edges = flag
        case ("multiple", .boolean(let flag)): multiple = flag
        case ("boost", let value): boost = try Self.number(value, wrong("a number"))
        case ("k1", let value): k1 = try Self.number(value, wrong("a number"))
        case ("b", let value): b = try Self.number(value, wrong("a number"))
        default: throw wrong(["stored", "edges", "multiple"].contains(member.key) ? "true or false" : "a string")
        }
    }

    private static func number(_ value: JSONValue, _ error: SakuinError) throws(SakuinError) -> Float {
        switch value {
        case .integer(let value): Float(value)
        case .float(let value): Float(value)
        default: throw error
        }
    }
}
