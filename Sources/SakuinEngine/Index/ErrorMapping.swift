/// Engine errors to the public one: one exhaustive switch, no default.
enum ErrorMapping {
    static func sakuinError(_ error: StorageError) -> SakuinError {
        switch error {
        case .corrupt(let file, let offset, let reason):
            SakuinError(
                .dataLoss, "\(file) is damaged at byte \(offset): \(reason).", field: file,
                nextStep: "Run 'sakuin check' on the folder; 'sakuin check --repair' saves what can be read.")
        case .io(let operation, let path, let errno):
            ioError(operation, path, errno)
        case .unsupportedVersion(let file, let found, let supported):
            SakuinError(
                .failedPrecondition,
                "\(file) has format \(found); this version reads \(formats(supported)). Nothing was touched.",
                field: file, limit: "\(supported.upperBound)", value: "\(found)",
                nextStep: "Run the Sakuin that wrote it: 'sakuin export' with that one, 'sakuin import' with this one.")
        case .locked(let path, let owner):
            SakuinError(
                .failedPrecondition, "\(path) is in use by \(owner).", field: path, value: owner,
                nextStep: "Stop that process, or choose another folder.")
        case .cancelled:
            SakuinError(.cancelled, "The work was cancelled.")
        case .noMemory(let needed, let limit):
            SakuinError(
                .resourceExhausted,
                "A merge of these segments takes \(needed >> 20) MiB of memory; it may take \(limit >> 20).",
                field: "memoryBudgetBytes", limit: "\(limit)", value: "\(needed)",
                nextStep: "Give the index more memory, or compact to more segments.")
        case .noMemoryToRead(let byteCount, let limit):
            SakuinError(
                .resourceExhausted, "There is no memory to read a document of \(byteCount >> 20) MiB for the search.",
                field: "memoryBudgetBytes", limit: "\(limit)", value: "\(byteCount)",
                nextStep: "Try again a little later, or without nearness and characters alone beside punctuation, "
                    + "for which stored documents are read.",
                retryAfterMilliseconds: 100)
        case .noThread(let needed):
            SakuinError(
                .resourceExhausted, "An index needs \(needed) threads at once, and the system gives no more.",
                field: "threads", value: "\(needed)",
                nextStep: "Raise the limit of threads (ulimit -u, TasksMax, pids.max), or open fewer indexes or lanes.",
                retryAfterMilliseconds: 1_000)
        case .tooLarge(let part, let byteCount, let limit):
            SakuinError(
                .failedPrecondition,
                "The \(part) of a segment would have \(byteCount) bytes; they can have \(limit). Nothing was changed.",
                field: part, limit: "\(limit)", value: "\(byteCount)",
                nextStep: "Compact to more segments; or, if it was a write, open the index with less memory.")
        }
    }

    private static func formats(_ versions: ClosedRange<Int>) -> String {
        versions.count == 1
            ? "format \(versions.lowerBound)" : "formats \(versions.lowerBound) to \(versions.upperBound)"
    }

    /// What replies say of a segment that cannot be read.
    static func notSearched(_ file: String, _ error: StorageError) -> String {
        notSearched(file, because: sakuinError(error).message)
    }

    static func notSearched(_ file: String, because reason: String) -> String {
        "Segment \(file) is not searched: \(reason)"
    }

    private static func ioError(_ operation: String, _ path: String, _ errno: Int32) -> SakuinError {
        // ENOSPC, EDQUOT
        if errno == 28 || errno == 122 {
            return SakuinError(
                .resourceExhausted, "No space left for \(operation) on \(path).", field: path,
                nextStep: "Free space on the disk.")
        }
        let code: SakuinError.Code =
            errno == 2 ? .notFound : errno == 13 || errno == 1 ? .permissionDenied : .unavailable
        return SakuinError(
            code, "\(operation) failed on \(path): \(SystemMessage.text(errno)).", field: path, value: "\(errno)")
    }

    static func sakuinError(_ error: SearchError) -> SakuinError {
        switch error {
        case .storage(.cancelled):
            SakuinError(.deadlineExceeded, "The call was stopped at its deadline.", nextStep: "Give it more time.")
        case .storage(let error): sakuinError(error)
        case .refused(let error): error
        }
    }

    /// Any error of a call into the engine.
    static func sakuinError(any error: any Error) -> SakuinError {
        switch error {
        case let error as SakuinError: error
        case let error as StorageError: sakuinError(error)
        case let error as SearchError: sakuinError(error)
        default: SakuinError(.internalError, "\(error)")
        }
    }
}
