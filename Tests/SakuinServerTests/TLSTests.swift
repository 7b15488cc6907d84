// TLS between server and client, and what either says when the other does not speak it or cannot be trusted.

import SakuinAccess
import SakuinClient
import SakuinProtocol
import SakuinTestSupport
import Testing

@testable import SakuinServer

@Suite struct TLSTests {
    private static func client(
        _ server: RunningServer, host: String = "127.0.0.1", _ tls: ClientTLS?
    ) -> SakuinClient {
        var configuration = SakuinClient.Configuration(host: host, port: server.port)
        configuration.tls = tls
        return SakuinClient(configuration)
    }

    private static func failure(_ client: SakuinClient) async -> SakuinError? {
        let error = await #expect(throws: SakuinError.self) { try await client.list() }
        await client.close()
        return error
    }

    @Test func everythingGoesThroughTLS() async throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let tls = try ServerTLS(certificate: files.path("server"), key: files.path("serverKey"))
        let known = try KnownTokens()
        let server = try await RunningServer.start {
            $0.tls = tls
            $0.tokens = known.file
        }
        let trust = try ClientTLS(ca: files.path("ca"))
        #expect(await Self.failure(Self.client(server, trust))?.code == .unauthenticated)
        for host in ["127.0.0.1", "localhost"] {
            var configuration = SakuinClient.Configuration(host: host, port: server.port)
            configuration.tls = trust
            configuration.token = known.tokens[.admin]
            let client = SakuinClient(configuration)
            let name = host == "localhost" ? "a" : "b"
            try await client.create(index: name, schema: .standard)
            let index = try await client.index(name)
            // More than a record of TLS, and more than a socket takes at once.
            let body = String(repeating: "全文検索", count: 100_000)
            for key in ["1", "2", "3"] {
                _ = try await index.write(WriteBatch([.put(Document(key: key, ["body": .string(body)]))]))
            }
            _ = try await index.refresh()
            #expect(try await index.count(.text("検索")) == 3)
            #expect(try await index.get(["2"])[0]?["body"] == .string(body))
            var exported = 0
            for try await page in try await index.export() { exported += page.count }
            #expect(exported == 3)
            try await client.ping()
            await client.close()
        }
        try await server.stop()
    }

    @Test func aServerThatCannotBeTrustedIsToldOf() async throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let right = try ServerTLS(certificate: files.path("server"), key: files.path("serverKey"))
        let server = try await RunningServer.start { $0.tls = right }
        for trust in [try ClientTLS(ca: files.path("otherCA")), try ClientTLS()] {
            let error = await Self.failure(Self.client(server, trust))
            #expect(error?.code == .failedPrecondition && error?.field == "tls-ca", "\(error as Any)")
            #expect(error?.nextStep?.contains("--tls-ca") == true)
        }
        try await server.stop()
        let elsewhere = try ServerTLS(certificate: files.path("elsewhere"), key: files.path("serverKey"))
        let other = try await RunningServer.start { $0.tls = elsewhere }
        for host in ["127.0.0.1", "localhost"] {
            let error = await Self.failure(Self.client(other, host: host, try ClientTLS(ca: files.path("ca"))))
            #expect(error?.code == .failedPrecondition && error?.field == "server" && error?.value == host)
        }
        try await other.stop()
    }

    @Test func whoDoesNotSpeakTLSIsToldSo() async throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let tls = try ServerTLS(certificate: files.path("server"), key: files.path("serverKey"))
        let server = try await RunningServer.start { $0.tls = tls }
        let error = await Self.failure(Self.client(server, nil))
        #expect(error == ServerTLS.missing)
        // In frames, for any client.
        let frames = try await server.exchange(ContractTests.hello)
        #expect(frames.count == 1)
        #expect(try ContractTests.reason(frames) == ServerTLS.missing)
        try await server.stop()
        let plain = try await RunningServer.start()
        let reverse = await Self.failure(Self.client(plain, try ClientTLS(ca: files.path("ca"))))
        #expect(reverse?.code == .failedPrecondition && reverse?.message == "The server does not speak TLS.")
        try await plain.stop()
    }

    @Test func clientsShowCertificatesWhereTheyAreAskedFor() async throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let tls = try ServerTLS(
            certificate: files.path("server"), key: files.path("serverKey"), clientCA: files.path("ca"))
        let server = try await RunningServer.start { $0.tls = tls }
        let known = try ClientTLS(
            ca: files.path("ca"), certificate: files.path("client"), key: files.path("clientKey"))
        let client = Self.client(server, known)
        #expect(try await client.list().isEmpty)
        await client.close()
        let stranger = try ClientTLS(
            ca: files.path("ca"), certificate: files.path("stranger"), key: files.path("clientKey"))
        for tls in [try ClientTLS(ca: files.path("ca")), stranger] {
            let error = await Self.failure(Self.client(server, tls))
            #expect(error?.code == .unauthenticated && error?.field == "tls-certificate", "\(error as Any)")
        }
        try await server.stop()
    }

    /// A reload changes what new connections get, and cuts off who is not known any more.
    @Test func tokensAndCertificatesAreReadAgain() async throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let known = try KnownTokens()
        let first = try ServerTLS(certificate: files.path("elsewhere"), key: files.path("serverKey"))
        let server = try await RunningServer.start {
            $0.tls = first
            $0.tokens = known.file
        }
        let trust = try ClientTLS(ca: files.path("ca"))
        #expect(await Self.failure(Self.client(server, trust))?.field == "server")
        let second = try ServerTLS(certificate: files.path("server"), key: files.path("serverKey"))
        server.server.reload(tokens: known.file, tls: second)
        func client(_ role: AccessRole) -> SakuinClient {
            var configuration = SakuinClient.Configuration(host: "127.0.0.1", port: server.port)
            configuration.tls = trust
            configuration.token = known.tokens[role]
            return SakuinClient(configuration)
        }
        let (reader, admin) = (client(.reader), client(.admin))
        #expect(try await reader.list().isEmpty)
        try await admin.create(index: "t", schema: .standard)
        // The reader is not known any more, the administrator reads from now on.
        let token = try #require(known.tokens[.admin])
        let line = try TokenFile.Entry(.reader, token).line
        server.server.reload(tokens: try TokenFile(parsing: Array(line.utf8)), tls: second)
        let gone = await #expect(throws: SakuinError.self) { try await reader.list() }
        #expect(gone?.code == .unauthenticated)
        #expect(try await admin.list().map(\.name) == ["t"])
        let denied = await #expect(throws: SakuinError.self) { try await admin.drop(index: "t") }
        #expect(denied?.code == .permissionDenied)
        for client in [reader, admin] { await client.close() }
        try await server.stop()
    }
}
