/// Why a search could not be answered: damage below, or a request that cannot be met.
enum SearchError: Error, Sendable {
    case storage(StorageError)
    case refused(SakuinError)
}
