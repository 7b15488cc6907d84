// What it means that an address cannot be listened on.

import Foundation
import NIOCore
import SakuinTypes

enum ListenFailure {
    /// `field` is the option that names the address.
    static func error(_ error: any Error, at address: ServerAddress, field: String) -> SakuinError {
        let (reason, nextStep) = explain(error, address)
        return SakuinError(
            .unavailable, "Cannot listen on \(address): \(reason).", field: field, value: "\(address)",
            nextStep: nextStep)
    }

    private static func explain(_ error: any Error, _ address: ServerAddress) -> (reason: String, nextStep: String) {
        if error is SocketAddressError.UnknownHost {
            return ("the name was not resolved", "Correct the name, or give an address of this machine.")
        }
        guard let code = (error as? IOError)?.errnoCode else { return ("\(error)", another) }
        switch (code, address) {
        case (EADDRINUSE, .unix(let path)) where !isSocket(path):
            return ("a file that is no socket stands there", "Move it away, or choose another path.")
        case (EADDRINUSE, _):
            return ("something listens there already", "Stop it, or choose another address.")
        case (EADDRNOTAVAIL, _):
            return ("it is no address of this machine", "Give one that is, or 0.0.0.0 for all of them.")
        case (ENOENT, .unix), (ENOTDIR, .unix):
            return ("there is no such folder", "Make it, or choose another path.")
        case (EACCES, _), (EPERM, _):
            return ("this user may not", "Choose a port from 1024 on, a folder that may be written, or another user.")
        default:
            return (String(cString: strerror(code)), another)
        }
    }

    private static let another = "Choose another address."

    private static func isSocket(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return attributes?[.type] as? FileAttributeType == .typeSocket
    }
}
