/// The windows of a pass, filled by a helper while what it filled before is looked at: two windows go to and fro.
///
/// `@unchecked Sendable`: the helper alone calls `fill`, which has its memory for itself and reads what nobody changes and a
/// level that is finished; a window is with one of the threads, which hand it over through `state`; the pass is a value that
/// nobody changes.
final class WindowsAhead: @unchecked Sendable {
    /// Fills a window with what is wanted.
    typealias Fill = (borrowing GramWindow, _ wanted: [Bool]) throws(StorageError) -> Void

    /// A window, which cannot stand in an array itself.
    private final class Slot {
        var window: GramWindow

        init(placeCountMax: Int) { window = GramWindow(placeCountMax: placeCountMax) }
    }
    private struct State {
        var wanted: [Bool]
        /// In the order of their documents.
        var filled: [Slot] = []
        var free: [Slot]
        /// All windows are filled, or one cannot be.
        var isAtEnd = false
        var failure: StorageError?
        var isOver = false
    }

    private let pass: PromotionPass
    private let fill: Fill
    private let state: Monitor<State>

    /// `fill` is called for the windows in order, on another thread, while `forEach` runs. Since it is ahead, what it is
    /// told to be wanted may be more than is by then.
    init(_ pass: PromotionPass, wanted: [Bool], fill: @escaping Fill) {
        self.pass = pass
        self.fill = fill
        let placeCountMax = pass.limits.windowPlaceCountMax
        state = Monitor(State(wanted: wanted, free: (0..<2).map { _ in Slot(placeCountMax: placeCountMax) }))
    }

    /// Hands out the windows in order; `body` may return what is wanted from then on. False, with nothing done, when there
    /// is no thread to be had.
    func forEach(_ body: (borrowing GramWindow) -> [Bool]?) throws(StorageError) -> Bool {
        guard let helper = WorkerThread.helper({ [self] in help() }) else { return false }
        defer {
            state.change { $0.isOver = true }
            helper.join()
        }
        while let slot = nextFilled() {
            let wanted = body(slot.window)
            state.change { state in
                state.wanted = wanted ?? state.wanted
                state.free.append(slot)
            }
        }
        if let failure = state.read({ $0.failure }) { throw failure }
        return true
    }

    private func nextFilled() -> Slot? {
        state.wait { state -> Slot?? in
            if !state.filled.isEmpty { return .some(state.filled.removeFirst()) }
            return state.isAtEnd ? .some(nil) : nil
        } ?? nil
    }

    private func help() {
        guard let norms = pass.lengths.norms else { return state.change { $0.isAtEnd = true } }
        var first = 0
        while let (slot, wanted) = nextFree() {
            guard slot.window.begin(at: first, norms, documentCount: pass.documentCount) else { break }
            first = slot.window.documents.upperBound
            do throws(StorageError) { try fill(slot.window, wanted) } catch {
                state.change { $0.failure = error }
                break
            }
            state.change { $0.filled.append(slot) }
        }
        state.change { $0.isAtEnd = true }
    }

    private func nextFree() -> (Slot, wanted: [Bool])? {
        state.wait { state -> (Slot, wanted: [Bool])?? in
            if state.isOver { return .some(nil) }
            return state.free.popLast().map { .some(($0, state.wanted)) }
        } ?? nil
    }
}
