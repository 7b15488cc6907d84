// SIGHUP: tokens and certificates are read again.

import Logging
import SakuinServer
import ServiceLifecycle
import UnixSignals

/// Waits for SIGHUP until the daemon stops. What cannot be read leaves things as they are, and the log says so.
struct Reloading: Service {
    let options: DaemonConfiguration
    let server: SakuinServer
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            guard options.tokens != nil || options.tlsCertificate != nil else {
                logger.notice("SIGHUP: there are no tokens or certificates to read again")
                continue
            }
            do {
                server.reload(tokens: try options.tokenFile(), tls: try options.serverTLS())
                logger.notice("read tokens and certificates again")
            } catch {
                logger.error("tokens and certificates stay as they were", metadata: ["error": "\(error)"])
            }
        }
    }
}
