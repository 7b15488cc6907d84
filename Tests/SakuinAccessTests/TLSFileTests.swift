// Files of certificates and keys that are not right are refused by name.

import Foundation
import SakuinAccess
import SakuinTestSupport
import SakuinTypes
import Testing

@Suite struct TLSFileTests {
    private func refusal(_ body: () throws -> Void) -> SakuinError? {
        do { try body() } catch { return error as? SakuinError }
        return nil
    }

    @Test func wrongFilesOfAServer() throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let empty = files.own("empty")
        #expect(
            FileManager.default.createFile(atPath: empty, contents: Data(), attributes: [.posixPermissions: 0o600]))
        let (server, key) = (files.path("server"), files.path("serverKey"))
        #expect(refusal { _ = try ServerTLS(certificate: server, key: key, clientCA: files.path("ca")) } == nil)
        for (certificate, key, ca, field, value) in [
            ("/nowhere", key, nil, "tls-certificate", "/nowhere"), (key, key, nil, "tls-certificate", key),
            (empty, key, nil, "tls-certificate", empty), (server, "/nowhere", nil, "tls-key", "/nowhere"),
            (server, server, nil, "tls-key", server), (server, empty, nil, "tls-key", empty),
            (server, files.path("clientKey"), nil, "tls-key", files.path("clientKey")),
            (files.path("expired"), key, nil, "tls-certificate", files.path("expired")),
            // A certificate of a CA is for signing others.
            (files.path("otherCA"), files.path("otherKey"), nil, "tls-certificate", files.path("otherCA")),
            (server, key, "/nowhere", "tls-client-ca", "/nowhere"), (server, key, key, "tls-client-ca", key),
        ] as [(String, String, String?, String, String)] {
            let error = refusal { _ = try ServerTLS(certificate: certificate, key: key, clientCA: ca) }
            #expect(
                error?.code == .invalidArgument && error?.field == field && error?.value == value, "\(error as Any)")
        }
        let expired = refusal { _ = try ServerTLS(certificate: files.path("expired"), key: key) }
        #expect(expired?.limit == "2020-01-01 to 2020-01-02")
        // The certificate is nobody's secret, the key is.
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: server)
        #expect(refusal { _ = try ServerTLS(certificate: server, key: key) } == nil)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        #expect(refusal { _ = try ServerTLS(certificate: server, key: key) }?.nextStep == "chmod 600 \(key)")
    }

    @Test func wrongFilesOfAClient() throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let (client, key) = (files.path("client"), files.path("clientKey"))
        #expect(refusal { _ = try ClientTLS(ca: files.path("ca"), certificate: client, key: key) } == nil)
        #expect(refusal { _ = try ClientTLS(ca: key) }?.field == "tls-ca")
        #expect(refusal { _ = try ClientTLS(certificate: client) }?.field == "tls-key")
        #expect(refusal { _ = try ClientTLS(key: key) }?.field == "tls-certificate")
        #expect(refusal { _ = try ClientTLS(certificate: client, key: files.path("serverKey")) }?.field == "tls-key")
        let tls = try ClientTLS()
        #expect(refusal { _ = try tls.handler(host: "") }?.field == "server")
        #expect(refusal { _ = try tls.handler(host: "::1") } == nil)
    }
}
