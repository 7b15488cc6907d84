// Which documents a ranked list has, without making documents of all its ranks.

extension PostingCursor {
    /// Whether a ranked list has the document, which is not below those asked for before; `index` then is its place. Only
    /// documents of ranks in the block of the character's list that can have it are looked up.
    func hasRanked(_ document: UInt32, _ base: UnsafeMutablePointer<CharacterList>) throws(StorageError) -> Bool {
        if block < 0 || (skip.map { block < blockCount && $0.lastDocument(block) < document } ?? false) {
            guard try enterBlock(of: document) else { return false }
        }
        if count == 0 { return false }
        if isMapped {
            guard documents[count &- 1] >= document else { return false }
            search(document)
            return documents[index] == document
        }
        if base.pointee.list.isEliasFano, let skip = base.pointee.list.skip {
            return goToBlock(of: document, skip) ? try findInBlock(document, base, skip) : false
        }
        guard let rank = try base.pointee.place(of: document) else { return false }
        guard documents[count &- 1] >= rank else { return false }
        search(rank)
        return documents[index] == rank
    }

    /// Moves on to the first rank that stands in the block of the character's list that can have the document; false when
    /// none does, which the last documents of the blocks tell. `skip` is of the character's list.
    @inline(__always)
    private func goToBlock(of document: UInt32, _ skip: SkipData) -> Bool {
        let low = BlockSearch.firstPlace(from: index, to: count) {
            skip.lastDocument(Int(documents[$0] &>> 7)) < document
        }
        if low == count {
            setIndex(count &- 1)
            return false
        }
        setIndex(low)
        let number = Int(documents[low] &>> 7)
        return number == 0 || skip.lastDocument(number &- 1) < document
    }

    /// Looks at the documents of the ranks in one block of the character's list up to a document; whether it is there.
    private func findInBlock(
        _ document: UInt32, _ base: UnsafeMutablePointer<CharacterList>, _ skip: SkipData
    ) throws(StorageError) -> Bool {
        let number = documents[index] &>> 7
        var walk = EliasFanoBlock.Walk(try base.pointee.list.eliasFano(Int(number), skip))
        var at = index
        while at < count, documents[at] &>> 7 == number {
            guard let found = walk.document(at: Int(documents[at] & 127)) else {
                throw base.pointee.list.corrupt("damaged block \(number)")
            }
            if found >= document {
                setIndex(at)
                return found == document
            }
            at &+= 1
        }
        setIndex(min(at, count &- 1))
        return false
    }
}
