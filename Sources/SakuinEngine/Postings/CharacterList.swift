/// The list of a character, as those read it whose documents are places in it: the documents at places, and the place of a
/// document.
///
/// It stands in scratch memory: most searches open some, and an object for each would cost as much as what is read.
struct CharacterList: BitwiseCopyable {
    let list: OpenList
    /// The block that was read whole last; `documents[0..<count]`.
    private let documents: UnsafeMutablePointer<UInt32>
    private var count = 0
    private var block = -1
    /// Where the last search in the block stopped.
    private var index = 0

    /// Opens the list of a character; its bytes are verified here.
    init(_ info: TermInfo, _ source: borrowing PostingSource, _ scratch: borrowing Scratch) throws(StorageError) {
        list = try OpenList(info, source)
        documents = scratch.take(UInt32.self, PostingListWriter.blockCount)
    }

    /// From so many documents of an Elias–Fano block on the whole is read, and of a packed one.
    private static let manyOfBlock = (eliasFano: 8, packed: 2)

    /// Puts the documents at the places of this list that `ranks` names, ascending and below the list's document frequency,
    /// in their stead.
    mutating func replaceRanks(
        _ ranks: UnsafeMutablePointer<UInt32>, _ rankCount: Int
    ) throws(StorageError) {
        if rankCount > 1 { list.prefetchBlocks(of: ranks, rankCount) }
        let (isEliasFano, blockCount) = (list.isEliasFano, list.blockCount)
        let many = isEliasFano ? Self.manyOfBlock.eliasFano : Self.manyOfBlock.packed
        var i = 0
        while i < rankCount {
            let number = Int(ranks[i] &>> 7)
            let limit = UInt32(truncatingIfNeeded: number &+ 1) &<< 7
            let other = i &+ many
            if number == block || other < rankCount && ranks[other] < limit || !isEliasFano && number &+ 1 == blockCount
            {
                if number != block { try load(number) }
                repeat {
                    ranks[i] = documents[Int(ranks[i] & 127)]
                    i &+= 1
                } while i < rankCount && ranks[i] < limit
            } else if isEliasFano, let skip = list.skip {
                var walk = EliasFanoBlock.Walk(try list.eliasFano(number, skip))
                repeat {
                    guard let document = walk.document(at: Int(ranks[i] & 127)) else {
                        throw list.corrupt("damaged block \(number)")
                    }
                    ranks[i] = document
                    i &+= 1
                } while i < rankCount && ranks[i] < limit
            } else {
                ranks[i] = try list.document(at: Int(ranks[i] & 127), of: number)
                i &+= 1
            }
        }
        for i in 1..<max(rankCount, 1) where ranks[i] <= ranks[i &- 1] {
            throw list.corrupt("documents do not ascend")
        }
    }

    /// The place of a document that is not below those asked for before; nil when the list does not have it.
    mutating func place(of document: UInt32) throws(StorageError) -> UInt32? {
        if count == 0 || documents[count &- 1] < document {
            let number = list.block(of: document, from: block &+ 1)
            guard number < list.blockCount else { return end() }
            try load(number)
            if documents[count &- 1] < document { return end() }
        }
        index = BlockSearch.place(of: document, in: documents, index, count)
        return documents[index] == document ? UInt32(truncatingIfNeeded: block &<< 7 &+ index) : nil
    }

    private mutating func end() -> UInt32? {
        block = list.blockCount
        count = 0
        return nil
    }

    private mutating func load(_ number: Int) throws(StorageError) {
        count = 0
        if list.isShort {
            _ = try list.readShort(below: list.origin.documentCount, into: documents)
        } else {
            _ = try list.readBlock(number, below: list.origin.documentCount, areRanks: false, into: documents)
        }
        count = list.size(of: number)
        block = number
        index = 0
    }
}
