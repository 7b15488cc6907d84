/// All documents of a list, with what its writer needs of them, in memory of whoever makes it.
struct PostingRun {
    var count: Int
    /// Ascending. Of a list of fewer than a block whose ranks are given they are not read.
    var documents: UnsafePointer<UInt32>
    /// At least 1.
    var frequencies: UnsafePointer<UInt32>
    /// By document, see `CharacterRanks`; nil when they have to be found or are not wanted.
    var ranks: UnsafePointer<UInt32>?
    /// How many ranks there are.
    var rankLimit = 0
    /// For each document the numbers of as many occurrences as its frequency says, one document behind the other.
    var positions: UnsafePointer<UInt32>?
}
