// Certificates and keys from PEM files. They are checked when a program starts, so that a wrong file is named then and not
// when somebody connects.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import NIOSSL
import SakuinTypes

enum TLSFiles {
    private static let byteCountMax = 4 << 20

    /// At least one certificate. Throws `invalidArgument` under `field` when there is none that can be read.
    static func certificates(_ path: String, field: String) throws(SakuinError) -> [NIOSSLCertificate] {
        let bytes = try AccessFile.read(path, field: field, byteCountMax: byteCountMax, isSecret: false)
        if !bytes.isEmpty, let certificates = try? NIOSSLCertificate.fromPEMBytes(bytes), !certificates.isEmpty {
            return certificates
        }
        throw .invalid("The file holds no certificate in PEM.", field: field, value: path)
    }

    /// A key of a file that nobody but its owner and group can read.
    static func key(_ path: String) throws(SakuinError) -> NIOSSLPrivateKey {
        let bytes = try AccessFile.read(path, field: "tls-key", byteCountMax: byteCountMax)
        if !bytes.isEmpty, let key = try? NIOSSLPrivateKey(bytes: bytes, format: .pem) { return key }
        throw .invalid("The file holds no private key in PEM without a passphrase.", field: "tls-key", value: path)
    }

    /// A certificate, with those that lead to its CA behind it, and its key. Throws `invalidArgument` for what cannot be read
    /// and for a certificate that is not valid now.
    static func identity(
        certificate: String, key: String
    ) throws(SakuinError) -> (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource) {
        let chain = try certificates(certificate, field: "tls-certificate")
        let now = time(nil)
        if let own = chain.first, own.notValidAfter < now || own.notValidBefore > now {
            throw .invalid(
                "The certificate is not valid now.", field: "tls-certificate",
                limit: "\(date(own.notValidBefore)) to \(date(own.notValidAfter))", value: certificate,
                nextStep: "Renew it, or set the clock right.")
        }
        return (chain.map { .certificate($0) }, .privateKey(try TLSFiles.key(key)))
    }

    /// What all connections of one side share. Throws `invalidArgument` when the key is not that of the certificate, or the two
    /// are not for TLS.
    static func context(
        _ configuration: TLSConfiguration, certificate: String?, key: String?
    ) throws(SakuinError) -> NIOSSLContext {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv12
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            let isKey = error as? NIOSSLError == .failedToLoadPrivateKey
            throw .invalid(
                isKey
                    ? "The key is not that of the certificate, or the certificate is not for TLS."
                    : "TLS cannot be set up with these files: \(error).",
                field: isKey ? "tls-key" : "tls-certificate", value: isKey ? key : certificate)
        }
    }

    /// The day in UTC.
    private static func date(_ seconds: time_t) -> String {
        var seconds = seconds
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return "\(seconds)" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(1900 + Int(parts.tm_year))-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
