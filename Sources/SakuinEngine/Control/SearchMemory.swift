// What searches and replies are told that there is no memory for.

extension MemoryBudget {
    /// So much of it one search or one reply may have; the rest is for what else the process does.
    var searchByteCountMax: Int { byteCountMax / 2 }

    /// Takes bytes for a search. Throws `resourceExhausted`, with a time to try again, when there is no room now: `message`
    /// says for what, `otherwise` what else would help.
    func takeForSearch(
        _ byteCount: Int, orSay message: @autoclosure () -> String, otherwise: String
    ) throws(SakuinError) {
        if takeForSearch(byteCount) { return }
        throw SakuinError(
            .resourceExhausted, message(), field: Self.field, limit: "\(byteCountMax)", value: "\(used + byteCount)",
            nextStep: "Try again a little later, or \(otherwise).", retryAfterMilliseconds: 100)
    }

    /// The refusal of what would have `byteCount` for itself, more than one search may: no waiting helps.
    func beyondSearch(_ byteCount: Int, _ message: String, nextStep: String) -> SakuinError {
        SakuinError(
            .resourceExhausted, message, field: Self.field, limit: "\(searchByteCountMax)", value: "\(byteCount)",
            nextStep: nextStep)
    }

    private static let field = "memoryBudgetBytes"
}

/// What a search takes of the memory while it runs, besides what it knew it would; given back with it.
final class SearchRoom {
    private let memory: MemoryBudget
    private var byteCount = 0

    init(_ memory: MemoryBudget) { self.memory = memory }

    deinit { memory.giveBackFromSearch(byteCount) }

    /// Has at least so many bytes, or throws `noMemoryToRead` for the document that wants them.
    func hold(_ wanted: Int, forDocumentOf documentByteCount: Int) throws(StorageError) {
        if wanted <= byteCount { return }
        guard memory.takeForSearch(wanted - byteCount) else {
            throw .noMemoryToRead(byteCount: documentByteCount, limit: memory.byteCountMax)
        }
        byteCount = wanted
    }
}
