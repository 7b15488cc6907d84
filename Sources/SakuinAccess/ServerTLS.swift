// TLS of a server.

public import NIOSSL
public import SakuinTypes

/// What a server's TLS is made of; read from files once, shared by all connections. TLS 1.2 is the least, 1.3 preferred.
public struct ServerTLS: Sendable {
    private let context: NIOSSLContext

    /// `certificate` is a PEM file of the server's certificate and those that lead to its CA, `key` one of its private key.
    /// With `clientCA`, a PEM file of CAs, every client has to show a certificate of theirs. Throws `invalidArgument`, with
    /// the field and the path, for files that are not right.
    public init(certificate: String, key: String, clientCA: String? = nil) throws(SakuinError) {
        let identity = try TLSFiles.identity(certificate: certificate, key: key)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: identity.chain, privateKey: identity.key)
        if let clientCA {
            configuration.trustRoots = .certificates(try TLSFiles.certificates(clientCA, field: "tls-client-ca"))
            configuration.certificateVerification = .noHostnameVerification
        }
        context = try TLSFiles.context(configuration, certificate: certificate, key: key)
    }

    /// The handler of a connection.
    public func handler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: context) }

    /// Whether bytes that a client sent first can be the beginning of TLS: a record of type handshake.
    public static func isBeginning(_ first: UInt8) -> Bool { first == 0x16 }

    /// Whether an error of a connection is one of TLS, one that is missing among them.
    public static func isFailure(_ error: any Error) -> Bool {
        error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError || error as? SakuinError == missing
    }

    /// What a client is told, in plain frames, that does not speak TLS.
    public static let missing = SakuinError(
        .failedPrecondition, "This server speaks TLS alone.", field: "tls",
        nextStep: "Connect with TLS; with sakuin: --tls, or --tls-ca FILE.")
}
