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

/// What a search takes of the memory while it runs, beyond what it knew it would; given back with it. One segment is read at
/// a time, so of all segments the most counts.
final class SearchRoom {
    private let memory: MemoryBudget
    private var textByteCount = 0
    private var listByteCount = 0

    init(_ memory: MemoryBudget) { self.memory = memory }

    deinit { memory.giveBackFromSearch(textByteCount + listByteCount) }

    /// Has at least so many bytes for a document that is read; throws `noMemoryToRead` when there are none.
    func hold(_ byteCount: Int, toRead documentByteCount: Int) throws(StorageError) {
        if byteCount <= textByteCount { return }
        guard memory.takeForSearch(byteCount - textByteCount) else {
            throw .noMemoryToRead(byteCount: documentByteCount, limit: memory.byteCountMax)
        }
        textByteCount = byteCount
    }

    /// Bytes of the buffers of a list.
    private static let byteCountOfList = 1_228

    /// Has room for the buffers of so many lists. Throws `resourceExhausted` when there is none, without a time to try again
    /// when a search may not have so much at all.
    func hold(lists: Int) throws(SakuinError) {
        let byteCount = lists * Self.byteCountOfList
        if byteCount <= listByteCount { return }
        if byteCount > memory.searchByteCountMax {
            throw memory.beyondSearch(
                byteCount, "The \(lists) words and grams that the query stands for take more memory than a search has.",
                nextStep: "Write more of the words, search fewer texts or fields, or take a larger budget.")
        }
        try memory.takeForSearch(
            byteCount - listByteCount, orSay: "There is no memory for the \(lists) lists of the query.",
            otherwise: "write more of the words")
        listByteCount = byteCount
    }
}
