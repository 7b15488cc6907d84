/// Where the lists of a segment stand.
final class PostingSource: Sendable {
    let postings: SectionView
    let positions: SectionView
    let documentCount: Int
    /// Whether the segment was written before `SegmentLayout.eliasFanoVersion`.
    let isOld: Bool

    init(postings: SectionView, positions: SectionView, documentCount: Int, isOld: Bool) {
        self.postings = postings
        self.positions = positions
        self.documentCount = documentCount
        self.isOld = isOld
    }

    /// Whether the documents of a list stand in Elias–Fano code: characters' lists of more than one block.
    func hasEliasFano(_ info: TermInfo) -> Bool {
        info.isCharacter && info.documentFrequency > PostingListWriter.blockCount && !isOld
    }

    func corrupt(_ info: TermInfo, _ reason: String) -> StorageError { postings.corrupt(info.postingsOffset, reason) }

    /// The bytes of a list, verified, and its skip data if it has more than one block. For a term of one document,
    /// which has no list, no bytes.
    func list(
        _ info: TermInfo
    ) throws(StorageError) -> (start: UnsafeRawPointer, end: UnsafeRawPointer, skip: SkipData?) {
        if info.documentFrequency < 2 {
            let nowhere = try postings.start(0, 0)
            return (nowhere, nowhere, nil)
        }
        let start = try postings.start(info.postingsOffset, info.postingsByteCount)
        let end = start + info.postingsByteCount
        let blocks = (info.documentFrequency + PostingListWriter.blockCount - 1) / PostingListWriter.blockCount
        if blocks == 1 { return (start, end, nil) }
        guard
            let skip = SkipData(
                endingAt: end, listByteCount: info.postingsByteCount, blocks: blocks, documentCount: documentCount,
                info: info)
        else { throw corrupt(info, "skip data cut short") }
        return (start, skip.start, skip)
    }

    /// The documents that can be among the first `ListHead.hitCount` of a list; nil when it keeps none.
    func head(_ info: TermInfo, _ scratch: Scratch) throws(StorageError) -> ListHead.Entries? {
        guard ListHead.isKept(info), let place = try list(info).skip?.head
        else { return nil }
        guard let head = ListHead.decode(at: place.start, end: place.end, documentCount: documentCount, scratch)
        else {
            throw corrupt(info, "damaged head")
        }
        return head
    }

    /// Throws when the head of a list is damaged.
    func checkHead(_ info: TermInfo) throws(StorageError) {
        guard ListHead.isKept(info) else { return }
        let memory = ScratchMemory()
        _ = try head(info, memory.scratch)
    }
}
