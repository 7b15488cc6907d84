// What was acknowledged is shown to who searches next, if the server is still there to be asked.

import SakuinClient

extension RemoteIndex {
    /// Refreshes behind writes that are acknowledged at `level`. Returns why that could not be asked for: it fails no command
    /// once the writes are in the log, since the server shows them by itself, one that has stopped when it is started again.
    func refresh(behind level: AcknowledgementLevel) async throws -> SakuinError? {
        do {
            _ = try await refresh()
            return nil
        } catch let error as SakuinError where error.code == .unavailable && level != .memory {
            return error
        }
    }
}

extension Output {
    /// What an answer in JSON says besides of writes that are not seen yet.
    static func members(unseen error: SakuinError?) -> [(String, JSONValue)] {
        error == nil ? [] : [("refreshed", .boolean(false))]
    }

    /// Says on standard error that writes are safe and not seen yet; in JSON the answer says so.
    func warn(unseen error: SakuinError?, at level: AcknowledgementLevel) {
        guard let error, !json else { return }
        warn(
            "All are acknowledged on \(level.rawValue). Searches see them at the next refresh, or when sakuind has been "
                + "started again: it could not be asked for one. (\(error.message))")
    }
}
