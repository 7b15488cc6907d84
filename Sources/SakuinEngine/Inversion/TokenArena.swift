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
    /// Bytes of all pages.
    private(set) var byteCount = 0

    init() { next = .allocate(capacity: 1) }

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
            pages.append(Self.page(count))
            byteCount += 4 * count
        }
        next = pages[pagesUsed]
        left = count
        pagesUsed += 1
    }

    private static func page(_ wordCount: Int) -> UnsafeMutablePointer<UInt32> {
        let page = UnsafeMutableRawPointer.allocate(byteCount: wordCount * 4, alignment: wordCount * 4)
        #if os(Linux)
            // A hint; without it everything works, slower.
            if wordCount == pageWordCount { _ = madvise(page, wordCount * 4, MADV_HUGEPAGE) }
        #endif
        return page.bindMemory(to: UInt32.self, capacity: wordCount)
    }

    /// Takes all blocks back; without `keepsMemory` their room goes too.
    func removeAll(keepsMemory: Bool) {
        if !keepsMemory, !pages.isEmpty {
            for page in pages { UnsafeMutableRawPointer(page).deallocate() }
            pages = []
            byteCount = 0
            next = .allocate(capacity: 1)
        }
        pagesUsed = 0
        left = 0
    }
}
