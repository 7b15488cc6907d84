// Small segments for the fuzz targets, and every way to read one.

@testable import SakuinEngine

enum FuzzIndex {
    static let schema = Schema(fields: [
        FieldDefinition(name: "body"), FieldDefinition(name: "tag", type: .keyword),
        FieldDefinition(name: "year", type: .integer), FieldDefinition(name: "price", type: .float),
        FieldDefinition(name: "on", type: .boolean), FieldDefinition(name: "day", type: .date),
    ])

    /// A field that is in some schemas only, so that what changes in others stays where it is.
    static let tags = FieldDefinition(name: "tags", type: .keyword, multiple: true)

    /// A registry under which few documents make a gram frequent.
    static func registry(_ schema: Schema = schema) -> FieldRegistry {
        FieldRegistry(
            schema: schema, names: schema.fields.map(\.name),
            promotion: PromotionRule(thresholdMin: 4, postingShareMax: 100, wholeShareThreshold: 1))
    }

    /// So many documents of all types of fields; their texts share few characters, so that lists are long.
    static func documents(_ count: Int) -> [Document] {
        let pieces = ["国", "际", "数字", "，", " ", "abc ", "A股", "12 ", "한국 ", "\n", "。\n\n"]
        var state: UInt64 = 7
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state &>> 33) % bound
        }
        return (0..<count).map { i in
            var fields: [Document.Field] = [
                .init("body", .string((0..<(1 + random(14))).map { _ in pieces[random(pieces.count)] }.joined()))
            ]
            if i % 3 > 0 { fields.append(.init("tag", .string(["新闻", "News", "ＴＥＣＨ"][random(3)]))) }
            if i % 4 > 0 { fields.append(.init("year", .integer(Int64(random(50)) - 20))) }
            if i % 5 > 0 { fields.append(.init("price", .float(Double(random(90)) / 4 - 5))) }
            if i % 2 > 0 { fields.append(.init("on", .boolean(random(2) == 0))) }
            if i % 7 > 0 { fields.append(.init("day", .string("2023-01-0\(1 + random(9))"))) }
            return Document(key: "k\(i)", fields: fields)
        }
    }

    /// The same with a few tags each, none in some.
    static func tagged(_ documents: [Document]) -> [Document] {
        documents.enumerated().map { i, document in
            var tagged = document
            let values = (0..<(i % 6)).map { ["政治", "经济", "News", "a\(i)", "b"][(i / 6 + $0) % 5] }
            tagged.fields.append(.init(tags.name, .strings(values)))
            return tagged
        }
    }

    static let file = FileName.segment(1)

    /// A folder with one segment of these documents; nil when they are refused.
    static func directory(_ documents: [Document], _ registry: FieldRegistry) -> MemoryDirectory? {
        let directory = MemoryDirectory()
        let inverter = Inverter(registry: registry)
        let encoded = try? BatchEncoder.encode(WriteBatch(documents.map { .put($0) }), registry).batch
        guard let encoded else { return nil }
        let result: Void? = try? encoded.forEach { (index, _, body) throws(StorageError) in
            try inverter.add(body, ordinal: UInt64(index), sequence: 1)
        }
        guard result != nil, (try? inverter.seal(directory, id: 1, keepsMemory: false)) != nil else { return nil }
        return directory
    }

    /// What a search of a segment finds: hits and the count.
    static func search(
        _ query: Query, _ segment: SearchableSegment, _ registry: FieldRegistry, fields: [String] = [],
        limit: Int = 20, sort: [SortKey] = [], total: TotalPolicy = .exact, reads: Bool = true,
        mode: SearchMode = .exact, variants: VariantFolding = []
    ) throws -> (hits: [Hit], total: Total) {
        let plan = try QueryPlanner.plan(
            query, filter: nil, SearchedFields(registry), fields: fields, highlights: reads, proofs: .all,
            mode: mode, variants: variants)
        let search = SnapshotSearch(
            plan, schema: registry.schema, segments: [segment], models: ScoreModels())
        let outcome = try search.run(window: limit, total: total, sort: sort)
        var request = SearchRequest(.tree(query))
        request.spans = reads
        request.returnFields = reads ? .all : .none
        var builder = HitBuilder(segments: [segment], schema: registry.schema, plan: plan)
        var hits: [Hit] = []
        for found in outcome.found { hits.append(try builder.hit(found, request)) }
        return (hits, outcome.total)
    }
}
