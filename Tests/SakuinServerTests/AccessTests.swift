// Who may connect, and what for.

import Foundation
import SakuinAccess
import SakuinClient
import SakuinEngine
import SakuinProtocol
import Testing

@testable import SakuinServer

/// A token of each role, and the file that knows them.
struct KnownTokens {
    let file: TokenFile
    let tokens: [AccessRole: AccessToken]

    init() throws {
        let tokens = try Dictionary(
            uniqueKeysWithValues: AccessRole.allCases.map { ($0, try AccessToken("token-of-\($0)")) })
        let lines = try tokens.map { try TokenFile.Entry($0, $1).line }
        file = try TokenFile(parsing: Array(lines.joined(separator: "\n").utf8))
        self.tokens = tokens
    }
}

extension RunningServer {
    func client(token: AccessToken?) -> SakuinClient {
        var configuration = SakuinClient.Configuration(host: "127.0.0.1", port: port)
        configuration.token = token
        return SakuinClient(configuration)
    }
}

@Suite struct AccessTests {
    /// Every call once, with the least role that may make it.
    private static let calls: [(call: WireCall, role: AccessRole)] = [
        (.search(index: "i", SearchRequest("x")), .reader), (.get(index: "i", keys: ["1"], ReadMoment()), .reader),
        (.export(index: "i", pointInTime: nil), .reader),
        (.openPointInTime(index: "i", leaseMilliseconds: 1_000, ReadMoment()), .reader),
        (.closePointInTime(index: "i", token: "t"), .reader), (.listIndexes, .reader),
        (.statistics(index: "i"), .reader), (.segments(index: "i"), .reader), (.listJobs(index: ""), .reader),
        (.listSnapshots(index: nil), .reader), (.write(index: "i", WriteBatch([.delete("1")])), .writer),
        (.importStream(index: "i", acknowledge: .disk, rejection: .wholeBatch), .writer),
        (.deleteMatching(index: "i", DeletionRequest("x")), .writer),
        (.refresh(index: "i"), .writer), (.commit(index: "i"), .writer), (.createIndex(name: "j", schema: nil), .admin),
        (.dropIndex(name: "nowhere"), .admin), (.aliasIndex(name: "a", target: "i"), .admin),
        (.reopenIndex(name: "i"), .admin), (.compact(index: "i", segments: 1), .admin),
        (.startCompaction(index: "i", CompactionOptions()), .admin),
        (.estimateCompaction(index: "i", CompactionOptions()), .admin),
        (.startCheck(index: "nowhere", bytesPerSecond: nil), .admin),
        (.controlJob(index: "i", number: 99, .cancel), .admin),
        (.createSnapshot(index: "i", name: "s"), .admin),
        (.restoreSnapshot(index: "i", name: "nowhere", newName: "k"), .admin),
        (.deleteSnapshot(index: "i", name: "nowhere"), .admin),
    ]

    /// The names of the calls in the protocol's description.
    private static func verbsOfTheProtocol() throws -> Set<String> {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocol/sakuin/v1/sakuin.proto")
        let text = try String(contentsOf: path, encoding: .utf8)
        let calls = try #require(text.components(separatedBy: "oneof call {").dropFirst().first)
        let lines = calls.prefix { $0 != "}" }.split(separator: "\n")
        return Set(lines.compactMap { $0.wholeMatch(of: /\s*[A-Z]\w+ (\w+) = \d+;/).map { String($0.1) } })
    }

    @Test func everyCallOfTheProtocolHasARole() throws {
        let verbs = try Self.verbsOfTheProtocol()
        #expect(verbs.count > 20)
        #expect(Set(Self.calls.map { CallAccess($0.call).verb }) == verbs)
        #expect(Self.calls.count == verbs.count)
        for (call, role) in Self.calls { #expect(CallAccess(call).role == role, "\(CallAccess(call).verb)") }
    }

    private static func hello(_ token: String) -> [UInt8] {
        let hello = Hello(client: "test", frameByteCountMax: 1 << 20, streamCredit: 1 << 16, token: token)
        return FrameHeader.frame(.hello, stream: 0, WireCodec.encode(hello))
    }

    @Test func nobodyConnectsWithoutAKnownToken() async throws {
        let known = try KnownTokens()
        let server = try await RunningServer.start { $0.tokens = known.file }
        let request = FrameHeader.frame(.request, stream: 1, WireCodec.encode(WireRequest(.listIndexes)))
        let ping = FrameHeader.frame(.ping, stream: 0, [1])
        var answers: Set<[UInt8]> = []
        let hash = try #require(known.file.entries.first).line.split(separator: " ")[1]
        for token in ["", "token-of-reade", "token-of-readers", "TOKEN-OF-READER", String(hash)] {
            let frames = try await server.exchange(Self.hello(token) + request + ping)
            #expect(frames.count == 1 && frames[0].header.kind == .error && frames[0].header.stream == 0)
            answers.formUnion(frames.map(\.payload))
            let client = server.client(token: token.isEmpty ? nil : try AccessToken(token))
            let error = await #expect(throws: SakuinError.self) { try await client.list() }
            #expect(error?.code == .unauthenticated && error?.field == "token" && error?.nextStep != nil)
        }
        // What is wrong with a token is not told.
        #expect(answers.count == 1)
        // Before the handshake nothing is answered, PING neither.
        let early = try await server.exchange(ping)
        #expect(try ContractTests.reason(early).code == .failedPrecondition)
        try await server.stop()
    }

    @Test func eachRoleMayDoWhatItIsFor() async throws {
        let known = try KnownTokens()
        let server = try await RunningServer.start { $0.tokens = known.file }
        try server.catalog.createNow("i", .standard)
        for (role, token) in known.tokens {
            let hello = Self.hello(token.text)
            for (number, (call, needed)) in Self.calls.enumerated() {
                let stream = UInt32(number + 1)
                let bytes = FrameHeader.frame(.request, stream: stream, WireCodec.encode(WireRequest(call)))
                // Of an import that is let in comes nothing: it waits for batches.
                let isOpen = role >= needed && CallAccess(call).verb == "import"
                let end = isOpen ? FrameHeader.frame(.data, flags: FrameHeader.endFlag, stream: stream, []) : []
                let frames = try await server.exchange(hello + bytes + end, frameCount: 2)
                let answer = try #require(frames.last)
                #expect(answer.header.stream == stream)
                let error =
                    answer.header.kind == .error
                    ? try answer.payload.withUnsafeBytes { try WireCodec.decodeStatus($0) } : nil
                let verb = CallAccess(call).verb
                if role >= needed {
                    #expect(error?.code != .permissionDenied && error?.code != .unauthenticated, "\(role) \(verb)")
                } else {
                    #expect(error?.code == .permissionDenied, "\(role) \(verb)")
                    #expect(error?.message.contains("'\(verb)'") == true && error?.limit == needed.rawValue)
                    #expect(error?.value == role.rawValue)
                }
            }
        }
        try await server.stop()
    }

    /// What SIGHUP takes away it takes from imports under way too.
    @Test func anImportEndsWithItsRole() async throws {
        let known = try KnownTokens()
        let server = try await RunningServer.start { $0.tokens = known.file }
        try server.catalog.createNow("i", .standard)
        let token = try #require(known.tokens[.writer])
        let client = server.client(token: token)
        let stream = try await client.index("i").stream(acknowledge: .log, rejection: .wholeBatch)
        var receipts = stream.receipts.makeAsyncIterator()
        try await stream.send([.put(Document(key: "1", ["body": "国"]))])
        #expect(try await receipts.next()?.applied == 1)
        let line = try TokenFile.Entry(.reader, token).line
        server.server.reload(tokens: try TokenFile(parsing: Array(line.utf8)), tls: nil)
        let ended = await #expect(throws: SakuinError.self) { _ = try await receipts.next() }
        #expect(ended?.code == .permissionDenied && ended?.value == "reader" && ended?.limit == "writer")
        // The connection goes on, as that of a reader.
        #expect(try await client.index("i").search(SearchRequest("国", limit: 0)).complete)
        await client.close()
        try await server.stop()
    }

    @Test func theClientShowsItsToken() async throws {
        let known = try KnownTokens()
        let server = try await RunningServer.start { $0.tokens = known.file }
        let admin = server.client(token: known.tokens[.admin])
        try await admin.create(index: "t", schema: .standard)
        let writer = server.client(token: known.tokens[.writer])
        let index = try await writer.index("t")
        let receipt = try await index.write(
            WriteBatch([.putJSON(Array(#"{"id":1,"body":"全文検索"}"#.utf8), keyField: "id")]))
        #expect(receipt.applied == 1)
        _ = try await index.refresh()
        let reader = server.client(token: known.tokens[.reader])
        #expect(try await reader.index("t").count(.text("検索")) == 1)
        try await reader.ping()
        let denied = await #expect(throws: SakuinError.self) { try await reader.index("t").refresh() }
        #expect(denied?.code == .permissionDenied)
        // The refusal cost its stream only.
        #expect(try await reader.index("t").count(.text("検索")) == 1)
        for client in [admin, writer, reader] { await client.close() }
        try await server.stop()
    }

    /// A server that asks for none takes any.
    @Test func aTokenIsIgnoredWhereNoneIsAskedFor() async throws {
        let server = try await RunningServer.start()
        let client = server.client(token: try AccessToken("any"))
        try await client.create(index: "t", schema: .standard)
        #expect(try await client.list().map(\.name) == ["t"])
        await client.close()
        try await server.stop()
    }
}
