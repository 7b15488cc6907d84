// A small index of every field type beside a model of it, for the tests of the search room.

import SakuinTestSupport

@testable import SakuinEngine

/// Documents in several segments, some of them replaced or deleted, and what a search should find, by brute force.
struct SearchFixture {
    struct Item {
        let title: String
        /// The title's normal form, made once.
        let normal: [NaiveUnit]
        var tag: String?
        var year: Int64?
        var price: Double?
        var isOn: Bool?
        /// Days after 2023-01-01.
        var day: Int?

        init(title: String, tag: String?, year: Int64?, price: Double?, isOn: Bool?, day: Int?) {
            self.title = title
            normal = NaiveText.normal(title, .soft)
            (self.tag, self.year, self.price, self.isOn, self.day) = (tag, year, price, isOn, day)
        }
    }

    static let schema = Schema(fields: [
        FieldDefinition(name: "title"), FieldDefinition(name: "tag", type: .keyword),
        FieldDefinition(name: "year", type: .integer), FieldDefinition(name: "price", type: .float),
        FieldDefinition(name: "on", type: .boolean), FieldDefinition(name: "day", type: .date),
    ])
    static let tags = ["News", "新闻", "ＴＥＣＨ", "news 2", "スポーツ"]

    let index: SearchIndex
    var items: [String: Item] = [:]

    static var options: IndexOptions {
        var options = IndexOptions()
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        options.mergesInBackground = false
        options.laneCount = 1
        return options
    }

    static func text(_ random: inout SeededRandom) -> String {
        let pieces = ["国", "际", "数", "字", "abc", "abd", "x ", " 12 ", "，", " ", "한", "국 "]
        return (0..<(1 + random.below(12))).map { _ in pieces[random.below(pieces.count)] }.joined()
    }

    static func date(_ day: Int) -> String {
        let (month, rest) = day < 31 ? ("01", day) : ("02", day - 31)
        return "2023-\(month)-\(rest < 9 ? "0" : "")\(rest + 1)"
    }

    init(seed: UInt64, count: Int = 400) async throws {
        var random = SeededRandom(seed: seed)
        index = try SearchIndex.open(MemoryDirectory(), schema: Self.schema, options: Self.options)
        for part in 0..<4 {
            var operations: [WriteOperation] = []
            for i in 0..<(count / 4) {
                let key = "k\(part == 3 ? random.below(count) : part * count / 4 + i)"
                if random.below(9) == 0, items[key] != nil {
                    items[key] = nil
                    operations.append(.delete(key))
                    continue
                }
                let item = Item(
                    title: Self.text(&random), tag: random.below(5) > 0 ? Self.tags[random.below(5)] : nil,
                    year: random.below(6) > 0 ? Int64(random.below(40)) - 10 : nil,
                    price: random.below(6) > 0 ? Double(random.below(60)) / 4 - 5 : nil,
                    isOn: random.below(4) > 0 ? random.below(2) == 0 : nil,
                    day: random.below(5) > 0 ? random.below(59) : nil)
                items[key] = item
                operations.append(.put(Self.document(key, item)))
            }
            _ = try await index.write(WriteBatch(operations))
            _ = try await index.refresh()
        }
    }

    private static func document(_ key: String, _ item: Item) -> Document {
        var fields: [Document.Field] = [.init("title", .string(item.title))]
        if let tag = item.tag { fields.append(.init("tag", .string(tag))) }
        if let year = item.year { fields.append(.init("year", .integer(year))) }
        if let price = item.price { fields.append(.init("price", .float(price))) }
        if let isOn = item.isOn { fields.append(.init("on", .boolean(isOn))) }
        if let day = item.day { fields.append(.init("day", .string(date(day)))) }
        return Document(key: key, fields: fields)
    }

    /// The keys of the items a query finds.
    func keys(_ query: Query) -> Set<String> {
        let matches = Self.matcher(query)
        return Set(items.filter { matches($0.value) }.keys)
    }

    /// Whether an item is found. What is sought is normalised once, not for each item.
    private static func matcher(_ query: Query) -> (Item) -> Bool {
        switch query {
        case .all: return { _ in true }
        case .text(let text, ["tag"]), .prefix(let text, ["tag"]):
            let value = keyword(text)
            return { $0.tag.map(keyword) == value }
        case .text(let text, _):
            let needle = NaiveText.normal(text, .soft)
            return { NaiveText.contains($0.normal, needle) }
        case .prefix(let text, _):
            let needle = NaiveText.normal(text, .soft)
            return { NaiveText.containsPrefix($0.normal, needle) }
        case .equals(let field, let value): return { equals(field, value, $0) }
        case .range(let field, let lower, let upper): return { isInside(field, lower, upper, $0) }
        case .and(let children):
            let children = children.map(matcher)
            return { item in children.allSatisfy { $0(item) } }
        case .or(let children):
            let children = children.map(matcher)
            return { item in children.contains { $0(item) } }
        case .not(let child):
            let child = matcher(child)
            return { !child($0) }
        case .boost(let child, _): return matcher(child)
        case .near(let texts, let distance, _):
            let needles = texts.map { NaiveText.normal($0, .soft) }
            return { NaiveText.isNear($0.normal, needles, distance: distance) }
        }
    }

    /// A keyword is compared as a whole, folded, with runs of blanks as one.
    private static func keyword(_ text: String) -> String {
        NaiveText.fold(text).split { $0.isWhitespace }.joined(separator: " ")
    }

    private static func equals(_ field: String, _ value: String, _ item: Item) -> Bool {
        switch field {
        case "tag": item.tag.map(keyword) == keyword(value)
        case "on": item.isOn.map { "\($0)" } == value
        case "day": item.day.map { date($0) } == value
        case "year": item.year.map { "\($0)" } == value
        default: item.price != nil && item.price == Double(value)
        }
    }

    private static func isInside(_ field: String, _ lower: RangeBound?, _ upper: RangeBound?, _ item: Item) -> Bool {
        func inside<T: Comparable>(_ value: T?, _ read: (String) -> T?) -> Bool {
            guard let value else { return false }
            if let lower {
                guard let bound = read(lower.value), value > bound || (lower.inclusive && value == bound) else {
                    return false
                }
            }
            if let upper {
                guard let bound = read(upper.value), value < bound || (upper.inclusive && value == bound) else {
                    return false
                }
            }
            return true
        }
        switch field {
        case "year": return inside(item.year.map(Double.init)) { Double($0) }
        case "price": return inside(item.price) { Double($0) }
        case "day": return inside(item.day.map(date)) { $0 }
        case "on": return inside(item.isOn.map { $0 ? 1 : 0 }) { $0 == "true" ? 1 : $0 == "false" ? 0 : nil }
        default:
            // Strings of Swift sort by their canonical form; bytes do here.
            return inside(item.tag.map { Bytes($0) }) { Bytes($0) }
        }
    }

    private struct Bytes: Comparable {
        let bytes: [UInt8]
        init(_ text: String) { bytes = Array(text.utf8) }
        static func < (a: Bytes, b: Bytes) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
    }
}
