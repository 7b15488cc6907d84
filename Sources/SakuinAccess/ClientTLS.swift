// TLS of a client.

public import NIOSSL
public import SakuinTypes

/// How a client knows its server, and what it shows it; read from files once, shared by all connections. The certificate has
/// to be of a CA that is trusted, and for the host that was connected to.
public struct ClientTLS: Sendable {
    private let context: NIOSSLContext

    /// `ca` is a PEM file of the CAs that are trusted, nil: those of the system. `certificate` and `key` are for servers that
    /// ask for a certificate. Throws `invalidArgument`, with the field and the path, for files that are not right.
    public init(ca: String? = nil, certificate: String? = nil, key: String? = nil) throws(SakuinError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let ca { configuration.trustRoots = .certificates(try TLSFiles.certificates(ca, field: "tls-ca")) }
        switch (certificate, key) {
        case (let certificate?, let key?):
            let identity = try TLSFiles.identity(certificate: certificate, key: key)
            configuration.certificateChain = identity.chain
            configuration.privateKey = identity.key
        case (nil, nil): break
        default:
            throw .invalid(
                "A certificate and its key go together.", field: key == nil ? "tls-key" : "tls-certificate",
                nextStep: "Name both files.")
        }
        context = try TLSFiles.context(configuration, certificate: certificate, key: key)
    }

    /// The handler of a connection to a host or an address. Throws `invalidArgument` for what is neither.
    public func handler(host: String) throws(SakuinError) -> NIOSSLClientHandler {
        do {
            do {
                return try NIOSSLClientHandler(context: context, serverHostname: host)
            } catch let error as NIOSSLExtraError where error == .cannotUseIPAddressInSNI {
                // An address is compared with those in the certificate.
                return try NIOSSLClientHandler(context: context, serverHostname: nil)
            }
        } catch {
            throw .invalid("This is no name of a host.", field: "server", value: host)
        }
    }

    /// What a failure means for who connects; nil for one that has nothing to do with TLS.
    public static func explain(_ error: any Error, host: String) -> SakuinError? {
        if let error = error as? NIOSSLExtraError,
            error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch
        {
            return SakuinError(
                .failedPrecondition, "The certificate of the server is not for this host.", field: "server",
                value: host,
                nextStep: "Connect under a name or address that stands in it.")
        }
        guard error is NIOSSLError || error is BoringSSLError else { return nil }
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return SakuinError(
                .failedPrecondition, "The certificate of the server is not trusted, or not valid now.",
                field: "tls-ca", value: host, nextStep: "Name the file of its CA; with sakuin: --tls-ca FILE.")
        }
        if text.contains("WRONG_VERSION_NUMBER") {
            return SakuinError(
                .failedPrecondition, "The server does not speak TLS.", field: "tls", value: host,
                nextStep: "Connect without TLS, or to another port.")
        }
        // What a server says to a certificate, one that is missing among them, comes as an alert.
        if text.contains("ALERT"), text.contains("CERTIFICATE") || text.contains("UNKNOWN_CA") {
            return SakuinError(
                .unauthenticated, "The server asks for a certificate that it trusts.", field: "tls-certificate",
                nextStep: "Name yours and its key; with sakuin: --tls-certificate FILE --tls-key FILE.")
        }
        if case .uncleanShutdown? = error as? NIOSSLError { return nil }
        return SakuinError(.unavailable, "TLS failed: \(text)", field: "tls", value: host)
    }
}
