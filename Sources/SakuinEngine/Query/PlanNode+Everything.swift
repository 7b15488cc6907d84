// What is known of a plan before any document is looked at.

extension PlanNode {
    /// Whether it finds every document, or none, whatever they hold; nil: that depends on them.
    var isEverything: Bool? {
        switch self {
        case .all: return true
        case .none: return false
        case .phrase, .column, .hasText, .near: return nil
        case .not(let child): return child.isEverything.map { !$0 }
        case .and(let children):
            let parts = children.map(\.isEverything)
            return parts.contains(false) ? false : parts.contains(nil) ? nil : true
        case .or(let children):
            let parts = children.map(\.isEverything)
            return parts.contains(true) ? true : parts.contains(nil) ? nil : false
        }
    }
}
