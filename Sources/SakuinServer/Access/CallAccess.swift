// Which role each call needs: the one place that says it.

import SakuinAccess
import SakuinProtocol
import SakuinTypes

/// A call's name, as in `Request` of the protocol, and the least role that may make it.
struct CallAccess: Hashable {
    let verb: String
    let role: AccessRole

    init(_ call: WireCall) {
        (verb, role) =
            switch call {
            case .search: ("search", .reader)
            case .get: ("get", .reader)
            case .export: ("export", .reader)
            case .openPointInTime: ("open_point_in_time", .reader)
            case .closePointInTime: ("close_point_in_time", .reader)
            case .listIndexes: ("list_indexes", .reader)
            case .statistics: ("statistics", .reader)
            case .segments: ("segments", .reader)
            case .listJobs: ("list_jobs", .reader)
            case .listSnapshots: ("list_snapshots", .reader)
            case .write: ("write", .writer)
            case .deleteMatching: ("delete_matching", .writer)
            case .importStream: ("import", .writer)
            case .refresh: ("refresh", .writer)
            case .commit: ("commit", .writer)
            case .createIndex: ("create_index", .admin)
            case .dropIndex: ("drop_index", .admin)
            case .aliasIndex: ("alias_index", .admin)
            case .reopenIndex: ("reopen_index", .admin)
            case .compact: ("compact", .admin)
            case .startCompaction: ("start_compaction", .admin)
            case .estimateCompaction: ("estimate_compaction", .admin)
            case .startCheck: ("start_check", .admin)
            case .controlJob: ("control_job", .admin)
            case .createSnapshot: ("create_snapshot", .admin)
            case .restoreSnapshot: ("restore_snapshot", .admin)
            case .deleteSnapshot: ("delete_snapshot", .admin)
            }
    }

    /// Throws `permissionDenied` when `bearer` is too little.
    func check(_ bearer: AccessRole) throws(SakuinError) {
        if bearer >= role { return }
        throw SakuinError(
            .permissionDenied, "'\(verb)' needs the role \(role.rawValue).", field: "token", limit: role.rawValue,
            value: bearer.rawValue, nextStep: "Use a token with that role.")
    }
}
