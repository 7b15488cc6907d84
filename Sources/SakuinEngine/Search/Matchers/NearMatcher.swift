/// The documents that have all texts of a nearness, near each other in the stored text of the field.
///
/// Lists tell which documents have all texts. How far apart they stand is read from the documents themselves: positions
/// do not tell gaps from units, and compact indexes have none.
final class NearMatcher: ThinnedMatcher {
    private let plan: NearPlan
    private let texts: StoredTexts
    private var check = NearCheck()

    /// `base` finds the documents that have all texts.
    init(_ base: Matcher, _ plan: NearPlan, _ texts: StoredTexts, _ cancellation: Cancellation?) {
        self.plan = plan
        self.texts = texts
        super.init(base, cancellation)
    }

    override func keep(_ batch: MatchBatch, _ count: Int) throws(StorageError) -> Int {
        var kept = 0
        for i in 0..<count where try isNear(batch.documents[i]) {
            batch.move(i, to: kept)
            kept += 1
        }
        return kept
    }

    private func isNear(_ document: UInt32) throws(StorageError) -> Bool {
        try cancellation?.check()
        var isNear = false
        try texts.forEach(of: document, plan.field, plan.analyzer) { (units) throws(StorageError) in
            isNear = try check.isThere(plan, in: units, cancellation)
            return !isNear
        }
        return isNear
    }
}
