/// Where the lanes meet at a ticket: what they hold becomes one segment, each lane writing a part of its terms.
///
/// Every lane calls `seal` once. A lane waits there until all have come, and until the segment is whole, since the others
/// read its chunk. Tickets stand in the same order in all lanes, so no lane waits for one that waits for it.
final class SealMeeting: Sendable {
    /// `@unchecked Sendable`: a lane's thread puts its chunk here and does not touch it before the meeting is over. Until
    /// then `ChunkSealing` has threads read it, each other streams, and the last of them write the segment, while helpers of
    /// its own, which end before it does, read streams that nobody reads beside them.
    private struct Chunks: @unchecked Sendable {
        var held: [Inverter] = []
        var sealing: ChunkSealing?
    }
    private struct State {
        var chunks = Chunks()
        var lanesLeft: Int
        var partsLeft = 0
        var id: UInt64 = 0
        var error: StorageError?
        var sealed: SealedSegment?
        var isOver = false
    }

    private let laneCount: Int
    private let state: Monitor<State>

    init(laneCount: Int) {
        self.laneCount = laneCount
        state = Monitor(State(lanesLeft: laneCount))
    }

    /// Seals the chunk together with those of the other lanes; returns the segment in the lane that ended it, in all others
    /// and when there is nothing to seal nil. Throws in each lane when any failed.
    func seal(
        _ chunk: Inverter, _ registry: FieldRegistry, _ directory: any Directory, _ nextID: () -> UInt64
    ) throws(StorageError) -> SealedSegment? {
        let part = arrive(Box(chunk: chunk), registry, nextID)
        guard let (sealing, id) = begun() else { return nil }
        do throws(StorageError) {
            try sealing.value.write(part: part, to: directory, id: id)
        } catch {
            state.change { $0.error = $0.error ?? error }
        }
        guard isLast() else {
            let error = state.wait { $0.isOver ? .some($0.error) : nil } ?? nil
            if let error { throw error }
            return nil
        }
        var failure = state.read { $0.error }
        var sealed: SealedSegment?
        if failure == nil {
            // The other lanes have nothing to do until it is whole.
            do throws(StorageError) {
                sealed = try sealing.value.finish(directory, id: id, withHelper: true)
            } catch { failure = error }
        }
        let error = failure
        state.change { state in
            state.error = error
            state.isOver = true
            state.chunks = Chunks()
        }
        if let error { throw error }
        return sealed
    }

    /// `@unchecked Sendable`: see `Chunks`.
    private struct Box: @unchecked Sendable { let chunk: Inverter }
    private struct Sealing: @unchecked Sendable { let value: ChunkSealing }

    /// Brings a chunk; the last to come plans the sealing. Returns the part the lane is to write.
    private func arrive(_ box: Box, _ registry: FieldRegistry, _ nextID: () -> UInt64) -> Int {
        let number = state.change { state in
            state.lanesLeft -= 1
            if !box.chunk.isEmpty { state.chunks.held.append(box.chunk) }
            return laneCount - 1 - state.lanesLeft
        }
        guard number == laneCount - 1 else { return number }
        let chunks = state.read { $0.chunks }
        let id = chunks.held.isEmpty ? 0 : nextID()
        let sealing = chunks.held.isEmpty ? nil : ChunkSealing(chunks.held, registry, partCount: laneCount)
        let planned = Chunks(held: chunks.held, sealing: sealing)
        state.change { state in
            state.chunks = planned
            state.id = id
            state.partsLeft = laneCount
            state.isOver = planned.sealing == nil
            state.lanesLeft = -1
        }
        return number
    }

    /// Waits until the sealing is planned; nil when there is nothing to seal.
    private func begun() -> (Sealing, UInt64)? {
        state.wait { state -> (Sealing, UInt64)?? in
            guard state.lanesLeft < 0 else { return nil }
            return .some(state.chunks.sealing.map { (Sealing(value: $0), state.id) })
        } ?? nil
    }

    /// Tells that a part is written; whether it was the last.
    private func isLast() -> Bool {
        state.change { state in
            state.partsLeft -= 1
            return state.partsLeft == 0
        }
    }
}
