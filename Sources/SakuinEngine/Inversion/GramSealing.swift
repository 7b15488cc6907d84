// The grams of a part of a segment, coded by the thread that writes them and, if it may, by a helper beside it.
//
// 1. The part is cut into pieces of about the same work: consecutive characters of a field, or one that is frequent.
// 2. Both threads take the next piece and code its lists in memory of its own, while what is being coded and what waits
//    to be written are within bounds: a frequent character takes much.
// 3. The writing thread writes the pieces in their order, and codes one when the next is not there yet. So what is
//    written is the same with and without a helper, and all of it comes from one thread.

/// `@unchecked Sendable`: what is not in `state` is only read, but for the ends of streams, which are marked when they are
/// read: a piece is coded by one thread, and a stream is of one piece.
final class GramSealing: @unchecked Sendable {
    /// Consecutive characters of a field, by rank.
    struct Piece {
        var field: Int
        var ranks: Range<Int>
        /// About how many words their streams have.
        var wordCount: Int
        /// Of those, what is put in order at once.
        var openWordCount: Int { min(wordCount, StreamParts.bigramCountMax) }
    }

    /// The lists of a piece, which cannot stand in an array themselves.
    private final class Coded {
        var lists: GramLists

        init(documentCount: Int, hasLinks: Bool) {
            lists = GramLists(documentCount: documentCount, hasLinks: hasLinks)
        }
    }
    private struct State {
        /// Pieces before these numbers are taken, and written.
        var takenCount = 0
        var writtenCount = 0
        /// Of pieces that are being coded, what is put in order at once; and of those that wait to be written, all.
        var openWordCount = 0
        var waitingWordCount = 0
        /// By piece, those that wait.
        var coded: [Int: Result<Coded, StorageError>] = [:]
        /// Memory for further pieces.
        var spare: [Coded] = []
        var isOver = false
    }
    /// What a thread is to do next.
    private enum Step {
        case code(Int, Coded?)
        case write(Result<Coded, StorageError>)
        case end
    }

    private let pieces: [Piece]
    private let fields: [FieldSealing?]
    private let documentCount: Int
    private let hasLinks: Bool
    private let openWordCountMax: Int
    private let state = Monitor(State())
    /// A piece is taken only while those that wait to be written have no more words. Coded, a word takes two or three bytes,
    /// in order eight, or twelve with a link.
    private var waitingWordCountMax: Int { 3 * openWordCountMax }

    /// `fields` by number. At most `openWordCountMax` words, or one piece, are being put in order at once.
    init(
        _ pieces: [Piece], _ fields: [FieldSealing?], documentCount: Int, hasLinks: Bool, openWordCountMax: Int
    ) {
        self.hasLinks = hasLinks
        self.pieces = pieces
        self.fields = fields
        self.documentCount = documentCount
        self.openWordCountMax = openWordCountMax
    }

    /// Writes all pieces.
    func write(to terms: inout TermSections, withHelper: Bool) throws(StorageError) {
        let helper = withHelper ? WorkerThread.helper { [self] in help() } : nil
        defer {
            // It reads streams that are gone once this has returned.
            state.change { $0.isOver = true }
            helper?.join()
        }
        var coder = Coder()
        while true {
            switch nextStep() {
            case .code(let number, let room): code(number, room, &coder)
            case .write(let result):
                let coded = try result.get()
                try terms.append(coded.lists)
                end(coded)
            case .end: return
            }
        }
    }

    private func help() {
        var coder = Coder()
        while case .code(let number, let room) = nextPiece() { code(number, room, &coder) }
    }

    /// What the writing thread does next.
    private func nextStep() -> Step {
        state.wait { state in
            if state.writtenCount == pieces.count { return .end }
            if let result = state.coded.removeValue(forKey: state.writtenCount) { return .write(result) }
            return take(&state)
        } ?? .end
    }

    /// What the helper does next.
    private func nextPiece() -> Step {
        state.wait { state in state.isOver || state.takenCount == pieces.count ? .end : take(&state) } ?? .end
    }

    /// Takes the next piece; nil when too much is open. A piece that all before it are written of can be taken, so the
    /// writing thread waits only while the helper is at the piece to be written next.
    private func take(_ state: inout State) -> Step? {
        guard state.takenCount < pieces.count, state.waitingWordCount <= waitingWordCountMax else { return nil }
        let wordCount = pieces[state.takenCount].openWordCount
        if state.openWordCount > 0, state.openWordCount + wordCount > openWordCountMax { return nil }
        state.openWordCount += wordCount
        state.takenCount += 1
        return .code(state.takenCount - 1, state.spare.popLast())
    }

    private func code(_ number: Int, _ room: Coded?, _ coder: inout Coder) {
        let coded = room ?? Coded(documentCount: documentCount, hasLinks: hasLinks)
        let result: Result<Coded, StorageError>
        do throws(StorageError) {
            if let field = fields[pieces[number].field] {
                try coder.code(pieces[number].ranks, of: field, into: &coded.lists)
            }
            result = .success(coded)
        } catch { result = .failure(error) }
        state.change { state in
            state.coded[number] = result
            state.openWordCount -= pieces[number].openWordCount
            state.waitingWordCount += pieces[number].wordCount
        }
    }

    /// Memory of a piece beyond this is not kept for others.
    private static let spareByteCountMax = 512 << 10

    /// Ends the piece that was written.
    private func end(_ coded: Coded) {
        let isSpare = coded.lists.byteCount <= Self.spareByteCountMax
        coded.lists.removeAll()
        state.change { state in
            state.waitingWordCount -= pieces[state.writtenCount].wordCount
            state.writtenCount += 1
            if isSpare { state.spare.append(coded) }
        }
    }
}

/// What a thread codes pieces with, in memory that is used again for the next.
private struct Coder: ~Copyable {
    /// The number of the field that the sorting is for.
    private var field = -1
    private var positioned = StreamSorting<PositionedPlace>(characterCount: 0)
    private var linked = StreamSorting<LinkedPlace>(characterCount: 0)
    private var runs = RunBuffer()

    mutating func code(
        _ ranks: Range<Int>, of sealing: FieldSealing, into lists: inout GramLists
    ) throws(StorageError) {
        let isLinked = sealing.hasLinks && !sealing.hasUnits
        if field != sealing.field {
            field = sealing.field
            let count = sealing.ranks.scalars.count
            positioned = StreamSorting(characterCount: isLinked ? 0 : count)
            linked = StreamSorting(characterCount: isLinked ? count : 0)
        }
        if isLinked {
            try sealing.code(ranks, &linked, &runs, into: &lists)
        } else {
            try sealing.code(ranks, &positioned, &runs, into: &lists)
        }
    }
}
