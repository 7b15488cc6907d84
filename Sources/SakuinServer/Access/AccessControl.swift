// Who may connect, and how.

import NIOConcurrencyHelpers
import SakuinAccess

/// The tokens and the certificate in force. Safe to use from any thread.
final class AccessControl: Sendable {
    /// Nil: everybody may do everything.
    private let tokens: NIOLockedValueBox<TokenFile>?
    /// Nil: without TLS.
    private let tls: NIOLockedValueBox<ServerTLS>?

    init(_ tokens: TokenFile?, _ tls: ServerTLS?) {
        self.tokens = tokens.map { NIOLockedValueBox($0) }
        self.tls = tls.map { NIOLockedValueBox($0) }
    }

    var currentTLS: ServerTLS? { tls?.withLockedValue { $0 } }

    /// Who shows this token; nil for one that is not known, and for none where one is needed.
    func bearer(ofToken text: String) -> Bearer? {
        guard let tokens else { return Bearer(role: .admin, digest: nil) }
        return tokens.withLockedValue { $0 }.entry(ofToken: text).map { Bearer(role: $0.role, digest: $0.digest) }
    }

    /// The same bearer by what is in force now; nil when the token is not known any more.
    func readmitted(_ bearer: Bearer) -> Bearer? {
        guard let tokens, let digest = bearer.digest else { return bearer }
        return tokens.withLockedValue { $0 }.entry(ofDigest: digest).map { Bearer(role: $0.role, digest: digest) }
    }

    /// Takes what is given for what is there already.
    func replace(_ newTokens: TokenFile?, _ newTLS: ServerTLS?) {
        if let newTokens { tokens?.withLockedValue { $0 = newTokens } }
        if let newTLS { tls?.withLockedValue { $0 = newTLS } }
    }
}

/// The other side of a connection.
struct Bearer: Hashable {
    let role: AccessRole
    /// SHA-256 of its token; nil where none is asked for.
    let digest: [UInt8]?
}
