/// The documents that have all texts of a nearness, near each other in the stored text of the field.
///
/// Lists tell which documents have all texts. How far apart they stand is read from the documents themselves: positions
/// do not tell gaps from units, and compact indexes have none.
final class NearMatcher: ThinnedMatcher {
    private let plan: NearPlan
    private let segment: SegmentReader
    private var cache = DocumentBlockCache()
    private let units = UnitBuffer()
    private var check = NearCheck()

    /// `base` finds the documents that have all texts.
    init(_ base: Matcher, _ plan: NearPlan, _ segment: SegmentReader, _ cancellation: Cancellation?) {
        self.plan = plan
        self.segment = segment
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
        return try segment.documents.document(document, &cache) { (bytes) throws(StorageError) in
            var fields = try EncodedDocumentReader(bytes, file: segment.file)
            while let field = try fields.next() {
                guard field.number == plan.field, field.isText else { continue }
                do throws(TextError) {
                    try plan.analyzer.normalize(field.bytes.bindMemory(to: UInt8.self), into: units, offsets: false)
                } catch {
                    throw .corrupt(file: segment.file, offset: 0, reason: "invalid UTF-8 in document \(document)")
                }
                if try check.isThere(plan, in: units, cancellation) { return true }
            }
            return false
        }
    }
}
