import SakuinTypes
import SwiftProtobuf

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension WireCodec {
    static func search(_ index: String, _ request: SearchRequest) -> Sakuin_V1_Search {
        .with {
            $0.index = index
            $0.query = input(request.query)
            $0.fields = request.fields
            $0.mode = request.mode == .exact ? .exact : .smart
            $0.limit = UInt32(clamping: request.limit)
            $0.offset = UInt32(clamping: request.offset)
            switch request.total {
            case .exact: $0.total = .exact
            case .atLeast(let limit):
                $0.total = .atLeast
                $0.totalLimit = UInt64(clamping: limit)
            case .none: $0.total = .none
            }
            if let filter = request.filter { $0.filter = input(filter) }
            $0.sort = request.sort.map { key in
                .with {
                    $0.field = key.field
                    $0.descending = key.descending
                }
            }
            switch request.returnFields {
            case .none: $0.returnFields = .none
            case .all: $0.returnFields = .all
            case .named(let names):
                $0.returnFields = .named
                $0.returnedNames = names
            }
            $0.spans = request.spans
            $0.minSequence = request.minSequence
            $0.waitLimitMilliseconds = UInt32(clamping: request.waitLimitMilliseconds)
            $0.pointInTime = request.pointInTime ?? ""
            $0.facets = request.facets.map(facetRequest)
            $0.variants = request.variants.rawValue
        }
    }

    static func searchRequest(_ m: Sakuin_V1_Search) throws(SakuinError) -> SearchRequest {
        guard m.hasQuery else { throw .invalid("A search needs a query.", field: "query") }
        var request = SearchRequest(try input(m.query), limit: Int(m.limit), offset: Int(m.offset))
        request.fields = m.fields
        request.mode = try mode(m.mode)
        switch m.total {
        case .atLeast: request.total = .atLeast(Int(clamping: m.totalLimit))
        case .none: request.total = .none
        case .exact: request.total = .exact
        case .UNRECOGNIZED(let value): throw unknown(value, of: "total")
        }
        if m.hasFilter { request.filter = try input(m.filter) }
        request.sort = m.sort.map { SortKey($0.field, descending: $0.descending) }
        switch m.returnFields {
        case .all: request.returnFields = .all
        case .named: request.returnFields = .named(m.returnedNames)
        case .none: request.returnFields = .none
        case .UNRECOGNIZED(let value): throw unknown(value, of: "returnFields")
        }
        request.spans = m.spans
        request.minSequence = m.minSequence
        request.waitLimitMilliseconds = Int(m.waitLimitMilliseconds)
        if !m.pointInTime.isEmpty { request.pointInTime = m.pointInTime }
        request.facets = m.facets.map(facetRequest)
        request.variants = VariantFolding(rawValue: m.variants)
        try request.variants.check()
        return request
    }

    static func mode(_ mode: Sakuin_V1_Mode) throws(SakuinError) -> SearchMode {
        switch mode {
        case .exact: .exact
        case .smart: .smart
        case .UNRECOGNIZED(let value): throw unknown(value, of: "mode")
        }
    }

    // MARK: Queries

    static func input(_ input: QueryInput) -> Sakuin_V1_QueryInput {
        .with {
            switch input {
            case .text(let text): $0.text = Data(text.utf8)
            case .tree(let query): $0.tree = self.query(query)
            }
        }
    }

    static func input(_ message: Sakuin_V1_QueryInput) throws(SakuinError) -> QueryInput {
        switch message.input {
        case .text(let bytes): return .text(try text(bytes, "query"))
        case .tree(let query):
            var nodes = 0
            return .tree(try self.query(query, depth: 1, &nodes))
        case nil: throw .invalid("A query is text or a tree.", field: "query")
        }
    }

    private static func query(_ query: Query) -> Sakuin_V1_Query {
        var message = Sakuin_V1_Query()
        switch query {
        case .all: message.all = Sakuin_V1_Everything()
        case .text(let text, let fields): message.text = textQuery(text, fields)
        case .prefix(let text, let fields): message.prefix = textQuery(text, fields)
        case .range(let field, let lower, let upper):
            message.range = .with {
                $0.field = field
                if let lower { $0.lower = bound(lower) }
                if let upper { $0.upper = bound(upper) }
            }
        case .equals(let field, let value):
            message.equals = .with {
                $0.field = field
                $0.value = value
            }
        case .near(let texts, let distance, let fields):
            message.near = .with {
                $0.texts = texts
                $0.distance = UInt32(clamping: distance)
                $0.fields = fields
            }
        case .and(let queries): message.and = .with { $0.queries = queries.map(self.query) }
        case .or(let queries): message.or = .with { $0.queries = queries.map(self.query) }
        case .not(let inner): message.not = self.query(inner)
        case .boost(let inner, let factor):
            message.boost = .with {
                $0.query = self.query(inner)
                $0.factor = factor
            }
        }
        return message
    }

    private static func textQuery(_ text: String, _ fields: [String]) -> Sakuin_V1_TextQuery {
        .with {
            $0.text = Data(text.utf8)
            $0.fields = fields
        }
    }

    private static func bound(_ bound: RangeBound) -> Sakuin_V1_RangeBound {
        .with {
            $0.value = bound.value
            $0.inclusive = bound.inclusive
        }
    }

    private static func query(
        _ message: Sakuin_V1_Query, depth: Int, _ nodes: inout Int
    ) throws(SakuinError) -> Query {
        nodes += 1
        try Query.check(depth: depth, nodeCount: nodes)
        switch message.node {
        case .all: return .all
        case .text(let m): return .text(try text(m.text, "text"), fields: m.fields)
        case .prefix(let m): return .prefix(try text(m.text, "prefix"), fields: m.fields)
        case .range(let m):
            return .range(
                field: m.field, lower: m.hasLower ? RangeBound(m.lower.value, inclusive: m.lower.inclusive) : nil,
                upper: m.hasUpper ? RangeBound(m.upper.value, inclusive: m.upper.inclusive) : nil)
        case .equals(let m): return .equals(field: m.field, m.value)
        case .near(let m): return .near(m.texts, distance: Int(m.distance), fields: m.fields)
        case .and(let m): return .and(try queries(m, depth, &nodes))
        case .or(let m): return .or(try queries(m, depth, &nodes))
        case .not(let m): return .not(try query(m, depth: depth + 1, &nodes))
        case .boost(let m): return .boost(try query(m.query, depth: depth + 1, &nodes), m.factor)
        case nil: throw .invalid("A node of the query tree is empty.", field: "query")
        }
    }

    private static func queries(
        _ message: Sakuin_V1_Queries, _ depth: Int, _ nodes: inout Int
    ) throws(SakuinError) -> [Query] {
        var queries: [Query] = []
        for child in message.queries { queries.append(try query(child, depth: depth + 1, &nodes)) }
        return queries
    }
}
