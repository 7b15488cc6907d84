/// All documents of the character whose grams are being read one after another: what their ranks stand for.
final class CharacterBase {
    private var known = CodeBuffer(capacity: 1024)
    private var key = UInt64.max

    /// Ascending; valid until the next `enter` or `add`.
    var documents: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(start: known.values, count: known.count) }

    /// Forgets the documents when the gram begins with another character than the one before, or is its list.
    func enter(_ gram: UInt64) {
        let character = GramKey.character(of: gram)
        if character == key, gram != character { return }
        key = character
        known.removeAll()
    }

    /// Takes a block of the character's list.
    func add(_ block: PostingListReader.Block) { known.append(block.documents, block.count) }
}
