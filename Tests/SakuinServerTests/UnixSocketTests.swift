// Servers on the file of a Unix socket, and connections that are kept alive.

import Foundation
import NIOCore
import NIOPosix
import SakuinAccess
import SakuinTestSupport
import SakuinTypes
import Testing

@testable import SakuinClient
@testable import SakuinServer

@Suite struct UnixSocketTests {
    /// A name for a socket; the folders of tests have longer ones than fit.
    private static var freshPath: String { "/tmp/sakuin-\(UUID().uuidString.prefix(8)).sock" }

    private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    private static func start(
        _ path: String, _ change: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws -> RunningServer {
        try await RunningServer.start {
            $0.addresses.append(.unix(path: path))
            change(&$0)
        }
    }

    private static func client(_ path: String, token: AccessToken? = nil, tls: ClientTLS? = nil) -> SakuinClient {
        var configuration = SakuinClient.Configuration(.unix(path: path))
        configuration.token = token
        configuration.tls = tls
        return SakuinClient(configuration)
    }

    private static func failure(_ body: () async throws -> Void) async -> SakuinError? {
        await #expect(throws: SakuinError.self) { try await body() }
    }

    @Test func bothWaysLeadToTheSameIndexes() async throws {
        let path = Self.freshPath
        let server = try await Self.start(path)
        let (near, far) = (Self.client(path), server.client())
        try await near.create(index: "i", schema: .standard)
        let written = try await near.index("i").write(
            WriteBatch([.put(Document(key: "1", ["body": "国 际 数\n字"]))]))
        var request = SearchRequest("国际数字")
        request.moment = ReadMoment(minSequence: written.sequence)
        for client in [near, far] {
            #expect(try await client.index("i").search(request).hits.map(\.key) == ["1"])
            await client.close()
        }
        try await server.stop()
        #expect(!Self.exists(path))
    }

    /// As a server that was killed leaves it.
    @Test func aFileNobodyListensOnIsReplaced() async throws {
        let (path, first) = (Self.freshPath, Self.freshPath)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(unixDomainSocketPath: first).get()
        // The other name of the file stays behind.
        try FileManager.default.linkItem(atPath: first, toPath: path)
        try await listener.close().get()
        try #require(Self.exists(path))
        let server = try await Self.start(path)
        let client = Self.client(path)
        #expect(try await client.list().isEmpty)
        await client.close()
        try await server.stop()
    }

    @Test func whatIsInUseStays() async throws {
        let path = Self.freshPath
        let server = try await Self.start(path)
        let refused = await Self.failure { _ = try await Self.start(path) }
        #expect(refused?.code == .unavailable && refused?.field == "listen" && refused?.value == "unix:\(path)")
        #expect(refused?.message == "Cannot listen on unix:\(path): something listens there already.")
        let client = Self.client(path)
        #expect(try await client.list().isEmpty)
        await client.close()

        let file = Self.freshPath
        try Data("mine".utf8).write(to: URL(filePath: file))
        let noSocket = await Self.failure { _ = try await Self.start(file) }
        #expect(noSocket?.code == .unavailable && noSocket?.message.contains("a file that is no socket") == true)
        let nowhere = await Self.failure { _ = try await Self.start("/tmp/sakuin-nowhere/s") }
        #expect(nowhere?.message.contains("there is no such folder") == true)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
        try FileManager.default.removeItem(atPath: file)
        try await server.stop()
    }

    @Test func tokensAreAskedForAndTLSIsNot() async throws {
        let files = try TestCertificates.write()
        defer { files.remove() }
        let (path, known) = (Self.freshPath, try KnownTokens())
        let server = try await Self.start(path) {
            $0.tokens = known.file
            $0.tls = try? ServerTLS(certificate: files.path("server"), key: files.path("serverKey"))
        }
        try #require(server.server.context.access.currentTLS != nil)
        #expect(await Self.failure { try await Self.client(path).connect() }?.code == .unauthenticated)
        let reader = Self.client(path, token: known.tokens[.reader])
        #expect(try await reader.list().isEmpty)
        await reader.close()
        let veiled = Self.client(path, token: known.tokens[.reader], tls: try ClientTLS(ca: files.path("ca")))
        let refused = await Self.failure { try await veiled.connect() }
        #expect(refused?.code == .invalidArgument && refused?.field == "tls")
        try await server.stop()
    }

    @Test func nobodyThereIsUnavailable() async {
        let path = Self.freshPath
        let error = await Self.failure { try await Self.client(path).connect() }
        #expect(error?.code == .unavailable && error?.value == "unix:\(path)")
    }

    /// Both sides have the kernel look whether the other is there.
    @Test func connectionsAreKeptAlive() async throws {
        let server = try await RunningServer.start()
        let client = server.client()
        let ours = try await client.connection().channel
        let theirs = try #require(server.connections.all().first).channel
        for channel in [ours, theirs] {
            for (option, value) in KeepAlive.options {
                let set = try await channel.getOption(option).get()
                // Systems say something else than 1 for yes.
                #expect(option.optionName == .so_keepalive ? set != 0 : set == value, "\(option)")
            }
        }
        await client.close()
        try await server.stop()
    }
}
