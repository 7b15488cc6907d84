// What the daemon is told about who may connect.

import ArgumentParser
import Foundation
import SakuinAccess
import SakuinTestSupport
import SakuinTypes
import Testing

@testable import SakuinDaemon

@Suite struct AccessConfigurationTests {
    private func read(_ json: String) throws -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        try configuration.read(json: Array(json.utf8))
        return configuration
    }

    @Test func theFileNamesTheTokens() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sakuin-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try read("{}").tokenFile() == nil)
        let text = "admin \(String(repeating: "0", count: 64)) me\n"
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        #expect(try read("{\"tokens\":\"\(path)\"}").tokenFile()?.entries.map(\.name) == ["me"])
        #expect(try SakuinDaemon.parse(["--tokens", path]).options().tokens == path)
        try Data("admin\n".utf8).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let error = #expect(throws: SakuinError.self) { try read("{\"tokens\":\"\(path)\"}").tokenFile() }
        #expect(error?.field == "tokens" && error?.value == path && error?.message.contains("Line 1 ") == true)
    }

    @Test func whoCouldConnectIsWarnedOf() throws {
        for listen in ["127.0.0.1:0", "[::1]:0", "unix:/run/s"] {
            #expect(try read("{\"listen\":\"\(listen)\"}").exposure() == nil, "\(listen)")
        }
        #expect(try read(#"{"listen":["unix:/run/s","0.0.0.0:1"]}"#).exposure()?.contains("0.0.0.0") == true)
        for listen in ["0.0.0.0:0", "search.example:1"] {
            let warning = try read("{\"listen\":\"\(listen)\"}").exposure()
            #expect(warning?.contains("give --tokens") == true, "\(listen)")
            let plain = try read("{\"listen\":\"\(listen)\",\"tokens\":\"/t\"}").exposure()
            #expect(plain?.contains("TLS") == true, "\(listen)")
            let safe = "{\"listen\":\"\(listen)\",\"tokens\":\"/t\",\"tls-certificate\":\"/c\"}"
            #expect(try read(safe).exposure() == nil)
        }
    }

    @Test func certificateAndKeyGoTogether() throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let (certificate, key) = (files.path("server"), files.path("serverKey"))
        #expect(try read("{}").serverTLS() == nil)
        let told = try SakuinDaemon.parse([
            "--tls-certificate", certificate, "--tls-key", key, "--tls-client-ca", files.path("ca"), "--listen",
            "0.0.0.0:0",
        ]).options()
        #expect(try told.serverTLS() != nil)
        // Their certificates say who clients are.
        #expect(try told.exposure() == nil)
        #expect(try read(#"{"tls-certificate":"\#(certificate)","tls-key":"\#(key)"}"#).serverTLS() != nil)
        for (json, field) in [
            (#"{"tls-certificate":"\#(certificate)"}"#, "tls-key"), (#"{"tls-key":"\#(key)"}"#, "tls-certificate"),
            (#"{"tls-client-ca":"\#(certificate)"}"#, "tls-certificate"),
            (#"{"tls-certificate":"\#(certificate)","tls-key":"/nowhere"}"#, "tls-key"),
        ] {
            let error = #expect(throws: SakuinError.self) { try read(json).serverTLS() }
            #expect(error?.field == field, "\(json)")
        }
    }
}
