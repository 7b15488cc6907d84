// What a token file may say, and what is said of one that is wrong.

import SakuinAccess
import SakuinTestSupport
import SakuinTypes
import Testing

@Suite struct TokenFileTests {
    /// SHA-256 of "abc", as FIPS 180-2 has it.
    private static let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    private func read(_ text: String) throws -> TokenFile { try TokenFile(parsing: Array(text.utf8)) }

    private func refusal(_ text: String) -> SakuinError? {
        do {
            _ = try read(text)
            return nil
        } catch {
            return error as? SakuinError
        }
    }

    @Test func aTokenIsFoundByItsHash() throws {
        let file = try read("# who\r\n\r\n\treader  \(Self.abc) web@a.example-1 # the site\r\n")
        #expect(file.entries.count == 1)
        let entry = try #require(file.entry(ofToken: "abc"))
        #expect(entry.role == .reader && entry.name == "web@a.example-1")
        #expect(entry.digest == (try AccessToken("abc")).digest)
        #expect(entry.line == "reader \(Self.abc) web@a.example-1")
        for other in ["", "ab", "abc ", "abcd", "ABC", Self.abc] { #expect(file.entry(ofToken: other) == nil) }
        #expect(file.entry(ofDigest: []) == nil)
        #expect(try read("admin \(Self.abc.uppercased())").entry(ofToken: "abc")?.role == .admin)
    }

    @Test func wrongLinesAreNamedByNumberAndNotShown() {
        let secret = "sakuin_abcdefghijklmnop"
        for (line, says) in [
            ("reader \(secret)", "64 hexadecimal"), (secret, "ROLE SHA-256"),
            ("root \(Self.abc)", "reader, writer, admin"),
            ("reader \(Self.abc.dropLast())", "64 hexadecimal"), ("reader \(Self.abc)0", "64 hexadecimal"),
            ("reader \(Self.abc.dropLast())g", "64 hexadecimal"), ("reader \(Self.abc) a b", "ROLE SHA-256"),
            ("reader \(Self.abc) \(secret)/", "the name"), ("reader \(Self.abc) 名", "the name"),
            ("reader \(Self.abc) \(String(repeating: "a", count: 65))", "the name"),
            ("reader \(Self.abc.dropLast())１", "64 hexadecimal"), ("reader", "ROLE SHA-256"),
            ("reader \(Self.abc)\rwriter \(Self.abc)", "64 hexadecimal"),
        ] {
            let error = refusal("admin \(String(repeating: "0", count: 64))\n# a comment\n\(line)\n")
            #expect(error?.code == .invalidArgument && error?.field == "tokens", "\(line)")
            #expect(
                error?.message.contains("Line 3 ") == true && error?.message.contains(says) == true,
                "\(line) \(error as Any)")
            #expect(error.map { "\($0)" }?.contains(secret) == false)
        }
    }

    @Test func boundsOfAFile() throws {
        #expect(refusal("")?.message.contains("no token") == true)
        #expect(refusal("# \(Self.abc)\n \n")?.message.contains("no token") == true)
        #expect(refusal("reader \(Self.abc)\n\nadmin \(Self.abc)")?.message.contains("Lines 1 and 3 ") == true)
        #expect(
            refusal(String(repeating: "#", count: TokenFile.byteCountMax + 1))?.message.contains("too long") == true)
        let lines = (0...TokenFile.entryCountMax).map { number in
            let digits = String(number, radix: 16)
            return "reader " + String(repeating: "0", count: 64 - digits.count) + digits
        }
        #expect(try read(lines.dropLast().joined(separator: "\n")).entries.count == TokenFile.entryCountMax)
        #expect(refusal(lines.joined(separator: "\n"))?.message.contains("more than") == true)
    }

    @Test func whatIsWrittenIsRead() throws {
        var random = SeededRandom(seed: 20_261_127)
        var entries: [TokenFile.Entry] = []
        var tokens: [AccessToken] = []
        for number in 0..<50 {
            let token = try AccessToken.fresh()
            tokens.append(token)
            let role = AccessRole.allCases[random.below(3)]
            entries.append(try TokenFile.Entry(role, token, name: random.below(2) == 0 ? "" : "n\(number)"))
        }
        let file = try read(entries.map(\.line).joined(separator: "\n"))
        #expect(file.entries == entries)
        for (token, entry) in zip(tokens, entries) { #expect(file.entry(ofToken: token.text) == entry) }
        #expect(throws: SakuinError.self) { try TokenFile.Entry(.reader, tokens[0], name: "a b") }
        #expect(throws: SakuinError.self) { try TokenFile.Entry(.reader, tokens[0], name: "a#") }
    }

    @Test func rolesAscend() {
        #expect(AccessRole.allCases.map(\.rawValue) == ["reader", "writer", "admin"])
        for (place, role) in AccessRole.allCases.enumerated() {
            for (otherPlace, other) in AccessRole.allCases.enumerated() {
                #expect((role < other) == (place < otherPlace))
            }
        }
    }
}
