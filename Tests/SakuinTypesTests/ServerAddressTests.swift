// Where servers are, as people write it.

import SakuinTypes
import Testing

@Suite struct ServerAddressTests {
    @Test func whatIsWrittenIsUnderstood() throws {
        let tcp: [(text: String, host: String, port: Int)] = [
            ("127.0.0.1:7705", "127.0.0.1", 7705), ("search.example:1", "search.example", 1),
            ("[::1]:65535", "::1", 65535),
        ]
        for (text, host, port) in tcp {
            #expect(try ServerAddress(listeningOn: text, field: "listen") == .tcp(host: host, port: port))
            #expect(try ServerAddress(connectingTo: text) == .tcp(host: host, port: port))
            #expect(ServerAddress.tcp(host: host, port: port).description == text)
        }
        for path in ["/run/sakuin.sock", "s", "a:b", "索引", String(repeating: "a", count: 107)] {
            #expect(try ServerAddress(listeningOn: "unix:\(path)", field: "listen") == .unix(path: path))
            #expect(try ServerAddress(connectingTo: "unix:\(path)") == .unix(path: path))
            #expect(ServerAddress.unix(path: path).description == "unix:\(path)")
        }
    }

    /// A client knows the usual port, a server picks a free one.
    @Test func portsMayBeLeftOutOrPicked() throws {
        #expect(try ServerAddress(connectingTo: "search.example") == .tcp(host: "search.example", port: 7705))
        #expect(try ServerAddress(connectingTo: "[::1]") == .tcp(host: "::1", port: 7705))
        #expect(try ServerAddress(listeningOn: "[::]:0", field: "listen") == .tcp(host: "::", port: 0))
        #expect(throws: SakuinError.self) { try ServerAddress(listeningOn: "search.example", field: "listen") }
        #expect(throws: SakuinError.self) { try ServerAddress(connectingTo: "search.example:0") }
    }

    @Test func whatStaysInTheMachine() throws {
        for text in ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:9", "unix:/run/s"] {
            #expect(try ServerAddress(connectingTo: text).isLocal, "\(text)")
        }
        for text in ["0.0.0.0:1", "[::]:1", "192.168.0.9:1", "search.example:1", "127.example:1", "1270.0.0.1:1"] {
            #expect(try !ServerAddress(connectingTo: text).isLocal, "\(text)")
        }
    }

    @Test func whatCannotBeIsRefused() {
        let long = "unix:" + String(repeating: "索", count: 36)
        for text in ["", ":1", "a:", "a:x", "a:65536", "a:-1", "[]:1", "[::1]1", "::1", "unix:", "unix:a\0b", long] {
            for refused in [
                #expect(throws: SakuinError.self) { try ServerAddress(listeningOn: text, field: "metrics") },
                #expect(throws: SakuinError.self) { try ServerAddress(connectingTo: text) },
            ] {
                #expect(refused?.code == .invalidArgument && refused?.value == text, "\(text)")
                #expect(["metrics", "server"].contains(refused?.field))
            }
        }
    }
}
