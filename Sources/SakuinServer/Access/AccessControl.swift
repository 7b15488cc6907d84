// Who may connect.

import SakuinAccess

/// The tokens that are known. Safe to use from any thread.
struct AccessControl: Sendable {
    /// Nil: everybody may do everything.
    let tokens: TokenFile?

    /// Who shows this token; nil for one that is not known, and for none where one is needed.
    func bearer(ofToken text: String) -> Bearer? {
        guard let tokens else { return Bearer(role: .admin) }
        return tokens.entry(ofToken: text).map { Bearer(role: $0.role) }
    }
}

/// The other side of a connection.
struct Bearer: Hashable {
    let role: AccessRole
}
