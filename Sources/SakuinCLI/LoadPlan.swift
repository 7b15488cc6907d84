// What a load run asks: requests in the order of the file, with their kinds.

import SakuinClient

/// The requests of a run, asked over and over; without an index only the server is asked, for a sign of life.
struct LoadPlan: Sendable {
    struct Item: Sendable {
        let kind: Int
        let request: SearchRequest?
    }

    /// More different first columns than this are no kinds.
    static let kindCountMax = 64

    let index: String
    let items: [Item]
    /// Names of the kinds; one empty name when there are none.
    let kinds: [String]

    /// PING, the shortest question and answer there is, for the ceiling of the server and of this program.
    static func empty() -> LoadPlan { LoadPlan(index: "", items: [Item(kind: 0, request: nil)], kinds: [""]) }

    private init(index: String, items: [Item], kinds: [String]) {
        self.index = index
        self.items = items
        self.kinds = kinds
    }

    /// The queries of `file` of the kinds `wanted`, each as `template` with its text.
    init(index: String, file: QueryFile, wanted: [String]?, template: SearchRequest) throws {
        var places: [String: Int] = [:]
        var names: [String] = []
        var items: [Item] = []
        let isTold = Set(file.lines.map(\.kind)).count <= Self.kindCountMax || wanted != nil
        for line in file.lines {
            if let wanted, !wanted.contains(line.kind ?? "") { continue }
            let name = isTold ? line.kind ?? "" : ""
            let place = places[name] ?? names.count
            if place == names.count {
                places[name] = place
                names.append(name)
            }
            var request = template
            request.query = .text(line.text)
            items.append(Item(kind: place, request: request))
        }
        if let missing = wanted?.first(where: { places[$0] == nil }) {
            throw SakuinError.invalid(
                "The file has no query of a kind.", field: "kinds", value: missing,
                nextStep: "Kinds stand in the first column; --column says where the query stands.")
        }
        guard !items.isEmpty else { throw SakuinError.invalid("The file has no queries.", field: "queries") }
        self.init(index: index, items: items, kinds: names)
    }
}
