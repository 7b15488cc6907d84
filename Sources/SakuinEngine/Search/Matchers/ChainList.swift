/// One list of a phrase whose lists have links.
struct ChainList {
    let cursor: PostingCursor
    /// Its place in the order of the text.
    let place: Int
    let ends: ChainEnds
    /// How far its left end is behind the right end of the token before.
    let distance: UInt32

    /// Whether its occurrences are read without a buffer: the links of bigrams, block by block.
    var hasLinkBlocks: Bool { cursor.info.occurrences == .links && cursor.hasLinkBlocks }
}
