// What a connection that could not be made, or that broke, means for who wanted it.

import NIOCore
import NIOPosix
import SakuinProtocol
import SakuinTypes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

enum ConnectionFailure {
    /// Why there is no connection.
    static func connecting(to server: ServerAddress, _ error: any Error) -> SakuinError {
        let (reason, nextStep) = unreachable(server, error)
        return unavailable(server, "Cannot connect to \(server): \(reason).", nextStep)
    }

    /// Why a connection that there was has ended.
    static func broken(to server: ServerAddress, _ error: any Error) -> SakuinError {
        let reason =
            switch (error as? IOError)?.errnoCode {
            case ECONNRESET?, EPIPE?: "was reset: the server ended, or something in between did it"
            case ETIMEDOUT?: "timed out: nothing comes from there any more"
            case EHOSTUNREACH?, ENETUNREACH?, ENETDOWN?: "broke: there is no way to it any more"
            case let code?: "broke: \(text(code))"
            case nil: "broke: \(error)"
            }
        return unavailable(server, "The connection to \(server) \(reason).", again)
    }

    /// Of a connection that the server has ended.
    static func closed(_ server: ServerAddress) -> SakuinError {
        unavailable(server, "The server at \(server) closed the connection.", again)
    }

    /// Of a server that does not keep to the protocol: before its WELCOME it is none of Sakuin's.
    static func breach(_ error: WireError, by server: ServerAddress, isGreeted: Bool) -> SakuinError {
        var mapped = error.sakuinError
        guard !isGreeted, error == .badMagic else {
            mapped.message = "The server broke the protocol: \(mapped.message)"
            return mapped
        }
        return SakuinError(
            .failedPrecondition, "What listens at \(server) does not speak Sakuin's protocol.", field: "server",
            value: "\(server)", nextStep: "Name the address that a sakuind listens on.")
    }

    private static let again = "Try again; if it stays so, see whether sakuind runs there, and its log."

    private static func unavailable(_ server: ServerAddress, _ message: String, _ nextStep: String) -> SakuinError {
        SakuinError(.unavailable, message, field: "server", value: "\(server)", nextStep: nextStep)
    }

    private static func unreachable(
        _ server: ServerAddress, _ error: any Error
    ) -> (reason: String, nextStep: String) {
        if case .connectTimeout(let limit)? = error as? ChannelError {
            return ("no answer within \(limit.nanoseconds / 1_000_000) ms", firewall)
        }
        guard let failures = error as? NIOConnectionError else { return reason((error as? IOError)?.errnoCode, error) }
        // Of several addresses of a host the first tells as much as any.
        guard let first = failures.connectionErrors.first?.error else {
            return ("the name '\(server.host)' was not resolved", "Correct the name, or give an address.")
        }
        return unreachable(server, first)
    }

    private static let firewall = "See whether sakuind runs there, and whether a firewall is in between."

    private static func reason(_ code: Int32?, _ error: any Error) -> (reason: String, nextStep: String) {
        switch code {
        case ECONNREFUSED?: ("nothing listens there", "Start sakuind there, or name another server.")
        case ENOENT?: ("there is no such socket", "Start sakuind with --listen for it, or name another server.")
        case EACCES?, EPERM?: ("this user may not", "Run as a user who may, or have the permissions changed.")
        case ETIMEDOUT?: ("no answer", firewall)
        case EHOSTUNREACH?, ENETUNREACH?, ENETDOWN?: ("there is no way to it", "Correct the address, or the network.")
        case let code?: (text(code), firewall)
        case nil: ("\(error)", firewall)
        }
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
