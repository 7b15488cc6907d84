#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The memory of a lane's token streams: blocks out of large pages, given back all together.
///
/// The ends of thousands of streams lie all over it, so what costs most is finding their pages: the kernel is asked for
/// huge ones.
final class TokenArena {
    /// A lane that gets little text takes no huge page.
    private static let firstPageWordCount = 1 << 16
    /// The size of a huge page.
    private static let pageWordCount = 1 << 19

    private var pages: [UnsafeMutablePointer<UInt32>] = []
    private var pagesUsed = 0
    private var next: UnsafeMutablePointer<UInt32>
    private var left = 0
    private let hasHelper: Bool
    /// Makes further pages, once there are a few.
    private var maker: PageMaker?

    /// Bytes of all pages, with those that are ready.
    var byteCount: Int {
        if pages.isEmpty { return 0 }
        let readyCount = hasHelper ? PageMaker.readyCount(pageCount: pages.count) : 0
        return 4 * (Self.firstPageWordCount + (pages.count - 1 + readyCount) * Self.pageWordCount)
    }

    /// With a helper a thread makes the next page while one is filled.
    init(hasHelper: Bool = false) {
        self.hasHelper = hasHelper
        next = .allocate(capacity: 1)
    }

    deinit {
        for page in pages { UnsafeMutableRawPointer(page).deallocate() }
        if pages.isEmpty { next.deallocate() }
    }

    /// `count` (at most those of the first page) uninitialised words, valid until `removeAll`.
    func block(_ count: Int) -> UnsafeMutablePointer<UInt32> {
        if left < count { startPage() }
        defer {
            next += count
            left -= count
        }
        return next
    }

    private func startPage() {
        let count = pagesUsed == 0 ? Self.firstPageWordCount : Self.pageWordCount
        if pagesUsed == pages.count {
            if pages.isEmpty { next.deallocate() }
            pages.append(newPage(count))
        }
        next = pages[pagesUsed]
        left = count
        pagesUsed += 1
    }

    /// The next page, cleared if there is one ready.
    private func newPage(_ wordCount: Int) -> UnsafeMutablePointer<UInt32> {
        var page: UnsafeMutableRawPointer?
        let wanted = hasHelper ? PageMaker.readyCount(pageCount: pages.count + 1) : 0
        if wanted > 0 {
            if maker == nil { maker = PageMaker(byteCount: 4 * wordCount) }
            page = maker?.take(ready: wanted)
        }
        return (page ?? Self.page(byteCount: 4 * wordCount)).bindMemory(to: UInt32.self, capacity: wordCount)
    }

    fileprivate static func page(byteCount: Int) -> UnsafeMutableRawPointer {
        let page = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: byteCount)
        #if os(Linux)
            // A hint; without it everything works, slower.
            if byteCount == 4 * pageWordCount { _ = madvise(page, byteCount, MADV_HUGEPAGE) }
        #endif
        return page
    }

    /// Takes all blocks back; without `keepsMemory` their room goes too.
    func removeAll(keepsMemory: Bool) {
        if !keepsMemory, !pages.isEmpty {
            for page in pages { UnsafeMutableRawPointer(page).deallocate() }
            pages = []
            maker = nil
            next = .allocate(capacity: 1)
        }
        pagesUsed = 0
        left = 0
    }
}

/// Has the next pages ready: the kernel clears one when it is first touched, which takes as long as appending a few thousand
/// tokens.
private final class PageMaker {
    /// How many to have ready: where all cores are busy its turn may not come for as long as a few pages last. Beside a few
    /// pages, which may be all that a lane ever has, they would be much.
    static func readyCount(pageCount: Int) -> Int { pageCount < 4 ? 0 : min(max(1, pageCount / 16), 3) }

    /// `@unchecked Sendable`: a page is with the thread that made it, then in `ready`, then with who took it.
    private struct State: @unchecked Sendable {
        var ready: [UnsafeMutableRawPointer] = []
        var wantedCount = 1
        var isOver = false
    }

    private let state: Monitor<State>
    private let thread: WorkerThread?

    init(byteCount: Int) {
        let state = Monitor(State())
        self.state = state
        thread = WorkerThread.helper {
            while state.wait({ $0.isOver ? false : $0.ready.count < $0.wantedCount ? true : nil }) == true {
                let page = TokenArena.page(byteCount: byteCount)
                for at in stride(from: 0, to: byteCount, by: 4096) {
                    page.storeBytes(of: 0, toByteOffset: at, as: UInt8.self)
                }
                state.change { $0.ready.append(page) }
            }
        }
    }

    deinit {
        state.change { $0.isOver = true }
        thread?.join()
        for page in state.read({ $0.ready }) { page.deallocate() }
    }

    /// A page that is ready, nil when there is none yet; from now on so many are to be.
    func take(ready wantedCount: Int) -> UnsafeMutableRawPointer? {
        state.change { state in
            state.wantedCount = wantedCount
            return state.ready.popLast()
        }
    }
}
