/// A growable run of positions. It stands in scratch memory, and this says where: copies are the same run.
struct PositionBuffer: BitwiseCopyable {
    private struct State: BitwiseCopyable {
        var values: UnsafeMutablePointer<UInt32>
        var count: Int
        var capacity: Int
        let scratch: Scratch
    }

    private let state: UnsafeMutablePointer<State>

    init(_ scratch: Scratch) {
        let capacity = 256
        state = scratch.take(State.self, 1)
        state.initialize(
            to: State(
                values: scratch.take(UInt32.self, capacity), count: 0, capacity: capacity, scratch: scratch))
    }

    var values: UnsafeMutablePointer<UInt32> { @inline(__always) get { state.pointee.values } }
    var count: Int { @inline(__always) get { state.pointee.count } }

    func removeAll() { state.pointee.count = 0 }

    /// Cuts to the first values, of which there are as many.
    func truncate(to count: Int) { state.pointee.count = count }

    @inline(__always)
    func append(_ value: UInt32) {
        if state.pointee.count == state.pointee.capacity { grow() }
        state.pointee.values[state.pointee.count] = value
        state.pointee.count &+= 1
    }

    /// Doubles the room; what it was stays with the scratch.
    @inline(never)
    private func grow() {
        let moved = state.pointee.scratch.take(UInt32.self, 2 * state.pointee.capacity)
        moved.update(from: state.pointee.values, count: state.pointee.count)
        state.pointee.values = moved
        state.pointee.capacity *= 2
    }

    /// What is there now; valid until the buffer changes.
    var run: PositionRun { PositionRun(values: UnsafePointer(values), count: count) }
}

/// Ascending positions that somebody else keeps.
struct PositionRun {
    let values: UnsafePointer<UInt32>
    let count: Int

    /// The place of the first position from one on that is not below another.
    func place(of position: UInt32, from start: Int) -> Int {
        BlockSearch.firstPlace(from: start, to: count) { values[$0] < position }
    }
}
