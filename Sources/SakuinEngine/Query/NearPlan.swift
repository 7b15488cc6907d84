/// Texts that have to stand near each other in one field.
struct NearPlan: Sendable, Hashable {
    let field: Int
    let analyzer: Analyzer
    /// The phrases of the texts.
    let phrases: [PlanNode]
    /// What each text is in a document; not empty.
    let patterns: [TextPattern]
    /// Units of each.
    let lengths: [Int]
    /// So many units that are none of theirs may stand between the first and the last of them.
    let distance: Int

    init(field: Int, analyzer: Analyzer, phrases: [PlanNode], patterns: [TextPattern], distance: Int) {
        self.field = field
        self.analyzer = analyzer
        self.phrases = phrases
        self.patterns = patterns
        lengths = patterns.map { $0.units.count }
        self.distance = distance
    }
}
