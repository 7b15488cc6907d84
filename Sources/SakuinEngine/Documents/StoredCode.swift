/// What the documents of merged segments are coded with: symbols for each document by itself, then LZ4 with a dictionary
/// for blocks of them, which so can be small.
struct StoredCode: Sendable, Equatable {
    let symbols: SymbolTable
    /// Of documents coded by `symbols`, at most 64 KiB.
    let dictionary: [UInt8]
}
