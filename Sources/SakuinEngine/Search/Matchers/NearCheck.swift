// Whether texts stand near each other in a document.
//
// They do when there is an occurrence of each, no two of which share a unit, so that from the first unit of the foremost
// to the last of the rearmost no more than `distance` units are none of theirs. Gaps are no units, and the order is free.
//
// With one occurrence as the foremost, the others are placed behind it from left to right. For each subset of the texts
// the least end of any order is kept: what is placed next takes its first occurrence behind that (an exchange argument:
// an order that ends earlier leaves every later choice open). So the cost of an occurrence is 2^texts × texts searches.

/// Looks for texts near each other in one text after another, in buffers that are used again.
struct NearCheck {
    /// First units of the occurrences of each text, ascending.
    private var starts: [[Int]] = []
    /// By subset of the texts, a bit each: behind the last unit of those placed.
    private var ends: [Int] = []
    private static let checkInterval = 256

    /// Whether the texts of a plan are near each other in these units.
    mutating func isThere(
        _ plan: NearPlan, in units: UnitBuffer, _ cancellation: Cancellation?
    ) throws(StorageError) -> Bool {
        while starts.count < plan.patterns.count { starts.append([]) }
        for (text, pattern) in plan.patterns.enumerated() {
            starts[text].removeAll(keepingCapacity: true)
            pattern.forEachOccurrence(in: units) { starts[text].append($0) }
            if starts[text].isEmpty { return false }
        }
        let room = plan.lengths.reduce(0, +) + plan.distance
        var tried = 0
        for foremost in plan.lengths.indices {
            for start in starts[foremost] {
                if fits(foremost, at: start, plan.lengths, upTo: start + room) { return true }
                tried += 1
                if tried % Self.checkInterval == 0 { try cancellation?.check() }
            }
        }
        return false
    }

    /// Whether all others fit behind an occurrence of one text.
    private mutating func fits(_ foremost: Int, at start: Int, _ lengths: [Int], upTo limit: Int) -> Bool {
        // One that is far away decides at once.
        for text in lengths.indices where text != foremost {
            guard let next = first(text, from: start), next + lengths[text] <= limit else { return false }
        }
        let all = (1 << lengths.count) - 1
        ends.removeAll(keepingCapacity: true)
        ends.append(contentsOf: repeatElement(Int.max, count: all + 1))
        ends[1 << foremost] = start + lengths[foremost]
        for placed in 1...all where ends[placed] <= limit {
            for text in lengths.indices where placed & 1 << text == 0 {
                guard let next = first(text, from: ends[placed]) else { continue }
                let with = placed | 1 << text
                ends[with] = min(ends[with], next + lengths[text])
            }
        }
        return ends[all] <= limit
    }

    /// The first occurrence of a text that does not begin before a unit.
    private func first(_ text: Int, from unit: Int) -> Int? {
        let starts = starts[text]
        let place = BlockSearch.firstPlace(from: 0, to: starts.count) { starts[$0] < unit }
        return place < starts.count ? starts[place] : nil
    }
}
