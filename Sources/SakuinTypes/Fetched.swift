/// Documents by their keys, and whether the index could be read as a whole.
public struct FetchedDocuments: Sendable, Hashable {
    /// In the order of the keys; nil where there is none.
    public var documents: [Document?]
    /// What cannot be read, in sentences: a document that is not there may be in it.
    public var missing: [String]

    public init(_ documents: [Document?], missing: [String] = []) {
        self.documents = documents
        self.missing = missing
    }

    /// Whether nothing is missing.
    public var complete: Bool { missing.isEmpty }
}

/// Documents page by page.
public struct DocumentPages: AsyncSequence, Sendable {
    public typealias Element = [Document]
    private let next: @Sendable () async throws -> [Document]?
    /// What cannot be read and is therefore not in the pages, in sentences.
    public let missing: [String]

    /// `next` returns a page at a time, then nil; it is not called again after nil or an error.
    public init(missing: [String] = [], next: @escaping @Sendable () async throws -> [Document]?) {
        self.missing = missing
        self.next = next
    }

    /// Whether nothing is missing.
    public var complete: Bool { missing.isEmpty }

    /// The next page; nil at the end. One task at a time.
    public func nextPage() async throws -> [Document]? { try await next() }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: @Sendable () async throws -> [Document]?
        public mutating func next() async throws -> [Document]? { try await source() }
    }
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: next) }
}
