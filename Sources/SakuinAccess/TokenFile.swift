// The tokens that a server knows, one a line: `ROLE SHA-256 [NAME]`. What stands behind # is a comment.
//
// The file holds hashes, so who reads it, or a copy in a backup, can connect to nothing. Tokens are random and long, so
// one round of SHA-256 is enough: there is nothing to guess.

public import SakuinTypes

/// A checked token file.
public struct TokenFile: Sendable, Hashable {
    public static let byteCountMax = 1 << 20
    /// All of them are compared with each token that comes.
    public static let entryCountMax = 1_000

    /// One token.
    public struct Entry: Sendable, Hashable {
        public static let digestByteCount = 32
        public static let nameByteCountMax = 64

        public let role: AccessRole
        /// SHA-256 of the token.
        public let digest: [UInt8]
        /// Who it is for, for readers of the file; may be empty.
        public let name: String

        /// Throws `invalidArgument` for a name that cannot stand in the file.
        public init(_ role: AccessRole, _ token: AccessToken, name: String = "") throws(SakuinError) {
            self.role = role
            digest = token.digest
            self.name = name
            guard name.isEmpty || Self.isName(name) else {
                throw .invalid(
                    "The name of a token has at most \(Self.nameByteCountMax) letters, digits and -_.@ characters.",
                    field: "name", limit: Self.nameByteCountMax, value: name)
            }
        }

        /// A line without its comment. Errors name no part of it, for it may be a token that was put there by mistake.
        init(line: some StringProtocol, number: Int) throws(SakuinError) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            func wrong(_ message: String, _ next: String) -> SakuinError {
                .invalid("Line \(number) of the token file: \(message)", field: "tokens", nextStep: next)
            }
            guard (2...3).contains(words.count) else {
                throw wrong("it is not ROLE SHA-256 [NAME].", "'sakuin token new' prints a line for it.")
            }
            guard let role = AccessRole(rawValue: String(words[0])) else {
                let roles = AccessRole.allCases.map(\.rawValue).joined(separator: ", ")
                throw wrong("the role is none of \(roles).", "Write one of them first.")
            }
            guard let digest = Self.bytes(hex: words[1]) else {
                throw wrong(
                    "the hash is not 64 hexadecimal digits.",
                    "Write the token's SHA-256: printf %s TOKEN | sha256sum, or see 'sakuin token new'.")
            }
            guard words.count == 2 || Self.isName(words[2]) else {
                throw wrong(
                    "the name has other characters than letters, digits and -_.@, or more than "
                        + "\(Self.nameByteCountMax).", "Change it or leave it out.")
            }
            (self.role, self.digest) = (role, digest)
            name = words.count == 3 ? String(words[2]) : ""
        }

        /// The line of the file.
        public var line: String {
            let digits = digest.map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            return "\(role.rawValue) \(digits.joined())" + (name.isEmpty ? "" : " \(name)")
        }

        private static func isName(_ text: some StringProtocol) -> Bool {
            (1...nameByteCountMax).contains(text.utf8.count)
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"):
                        true
                    default: "-_.@".utf8.contains(byte)
                    }
                }
        }

        private static func bytes(hex text: some StringProtocol) -> [UInt8]? {
            let digits = text.unicodeScalars.map { $0.isASCII ? Character($0).hexDigitValue : nil }
            guard digits.count == 2 * digestByteCount else { return nil }
            var bytes: [UInt8] = []
            for place in stride(from: 0, to: digits.count, by: 2) {
                guard let high = digits[place], let low = digits[place + 1] else { return nil }
                bytes.append(UInt8(high << 4 | low))
            }
            return bytes
        }
    }

    public let entries: [Entry]

    /// Reads the text of a file. Throws `invalidArgument` with the number of the line, and never with what stands in it.
    public init(parsing bytes: [UInt8]) throws(SakuinError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .invalid("The token file is too long.", field: "tokens", limit: Self.byteCountMax, value: bytes.count)
        }
        var entries: [Entry] = []
        var lineOf: [[UInt8]: Int] = [:]
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (place, line) in lines.enumerated() {
            let whole = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            let text = String(decoding: whole.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
            if text.allSatisfy({ $0 == " " || $0 == "\t" }) { continue }
            let entry = try Entry(line: text, number: place + 1)
            if let first = lineOf.updateValue(place + 1, forKey: entry.digest) {
                throw .invalid(
                    "Lines \(first) and \(place + 1) of the token file have the same token.", field: "tokens",
                    nextStep: "Remove one of them.")
            }
            guard entries.count < Self.entryCountMax else {
                throw .invalid(
                    "The token file has more than \(Self.entryCountMax) tokens.", field: "tokens",
                    limit: Self.entryCountMax, value: "line \(place + 1)")
            }
            entries.append(entry)
        }
        guard !entries.isEmpty else {
            throw .invalid(
                "The token file has no token: nobody could connect.", field: "tokens",
                nextStep: "'sakuin token new' prints a line for it.")
        }
        self.entries = entries
    }

    /// The entry of a token; nil when there is none. Takes as long whatever the token has in common with one that is known.
    public func entry(ofToken text: String) -> Entry? { entry(ofDigest: AccessToken.digest(of: text)) }

    /// As `entry(ofToken:)`, for one whose SHA-256 is known.
    public func entry(ofDigest digest: [UInt8]) -> Entry? {
        guard digest.count == Entry.digestByteCount else { return nil }
        var found: Entry?
        for entry in entries {
            var difference: UInt8 = 0
            for place in 0..<Entry.digestByteCount { difference |= entry.digest[place] ^ digest[place] }
            if difference == 0 { found = entry }
        }
        return found
    }
}
