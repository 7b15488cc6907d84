// Counts of columns over all documents that match a search, made beside its hits.
//
// 1. `enter` opens the columns of a segment; `take` gets its documents a block at a time.
// 2. Keywords are counted by their ranks in the column of the segment, and these counts become a run of entries in the
//    order of the strings. Numbers are counted in a hash table for all segments. What falls into a range is counted there.
// 3. `facets` merges the runs by their strings and takes the best.
//
// What grows with the number of distinct values is taken from the memory budget first, or the search is refused.

final class FacetCounter: MatchListener {
    private let tallies: [FacetTally]
    /// Documents of a block that have had no value yet.
    private let rest = UnsafeMutablePointer<UInt32>.allocate(capacity: MatchBatch.capacity)

    init(_ requests: [FacetRequest], _ budget: MemoryBudget, _ cancellation: Cancellation?) {
        let limits = FacetLimits(budget, cancellation)
        tallies = requests.map { request in
            request.ranges.isEmpty
                ? ValueTally(request.field, limit: request.limit, limits)
                : RangeTally(request.field, request.ranges)
        }
    }

    deinit { rest.deallocate() }

    func enter(_ segment: SegmentReader) throws(SearchError) {
        for tally in tallies {
            let columns: [Column]
            do throws(StorageError) { columns = try segment.columns(of: tally.field) } catch { throw .storage(error) }
            try tally.enter(columns)
        }
    }

    func take(_ batch: MatchBatch, _ count: Int) throws(SearchError) {
        for tally in tallies {
            rest.update(from: batch.documents, count: count)
            try tally.take(rest, count)
        }
    }

    /// What was counted, in the order of the requests; the counter is done with.
    func facets() throws(SearchError) -> [Facet] {
        var facets: [Facet] = []
        for tally in tallies { facets.append(try tally.facet()) }
        return facets
    }
}

/// Counts one field.
///
/// A field outside the schema has a column for each kind of its values; of a document the first that has one counts, as
/// when hits are sorted.
class FacetTally {
    let field: String

    init(_ field: String) { self.field = field }

    /// The documents that follow are of the segment that has these columns.
    func enter(_ columns: [Column]) throws(SearchError) {}

    /// Takes `count` documents, which it may overwrite.
    func take(_ documents: UnsafeMutablePointer<UInt32>, _ count: Int) throws(SearchError) {}

    func facet() throws(SearchError) -> Facet { Facet(field: field) }
}

/// What bounds the facets of a search: the memory budget, of which they have their part until the object is gone, and the
/// deadline.
final class FacetLimits {
    private let budget: MemoryBudget
    private let cancellation: Cancellation?
    private var taken = 0

    init(_ budget: MemoryBudget, _ cancellation: Cancellation?) {
        self.budget = budget
        self.cancellation = cancellation
    }

    deinit { budget.giveBackFromSearch(taken) }

    /// Throws `resourceExhausted` when there is no room, or when one search would have more than half of the budget.
    func take(_ byteCount: Int, for field: String) throws(SearchError) {
        do throws(SakuinError) {
            if taken + byteCount > budget.searchByteCountMax {
                throw budget.beyondSearch(
                    taken + byteCount, "Field '\(field)' has too many values to count in the memory of one search.",
                    nextStep: "Narrow the query, count ranges of values, or give the index more memory.")
            }
            try budget.takeForSearch(
                byteCount, orSay: "There is no memory to count the values of field '\(field)'.",
                otherwise: "narrow the query")
        } catch { throw .refused(error) }
        taken += byteCount
    }

    func giveBack(_ byteCount: Int) {
        taken -= byteCount
        budget.giveBackFromSearch(byteCount)
    }

    /// Looks at the deadline once in so many values, of which this is one.
    func check(at value: Int) throws(SearchError) {
        guard value & 0xFFFF == 0 else { return }
        do throws(StorageError) { try cancellation?.check() } catch { throw .storage(error) }
    }
}
