// What an admin looks for when somebody cannot connect.

import CoreMetrics
import Logging
import NIOCore

extension ServerContext {
    /// A client showed no token that is known.
    func refusedToken(_ client: SocketAddress?) {
        metrics.unauthenticated.increment()
        log("no known token", client)
    }

    /// A client did not come to speak TLS.
    func refusedTLS(_ client: SocketAddress?, _ reason: String) {
        metrics.failedTLS.increment()
        log("TLS failed", client, ["reason": "\(reason)"])
    }

    private func log(_ message: Logger.Message, _ client: SocketAddress?, _ more: Logger.Metadata = [:]) {
        let address = client.map { "\($0)" } ?? "unknown"
        logger.info(message, metadata: more.merging(["client": "\(address)"]) { known, _ in known })
    }
}
