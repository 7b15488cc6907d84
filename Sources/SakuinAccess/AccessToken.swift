import Crypto
import Foundation
public import SakuinTypes

/// The secret that a client shows a server to say who it is: printable ASCII. It is never printed by accident: its description
/// is not its text.
public struct AccessToken: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// So much fits into the first frame beside what else stands there.
    public static let byteCountMax = 512

    /// What travels.
    public let text: String

    /// Throws `invalidArgument`, without the text, for one that is empty, too long, or not of printable ASCII without blanks.
    public init(_ text: some StringProtocol) throws(SakuinError) {
        guard (1...Self.byteCountMax).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw .invalid(
                "A token has 1 to \(Self.byteCountMax) characters of printable ASCII, without blanks.", field: "token",
                limit: Self.byteCountMax)
        }
        self.text = String(text)
    }

    public var description: String { "a token" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// One of 192 random bits.
    public static func fresh() throws(SakuinError) -> AccessToken {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<24).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let text = Data(bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
        // A name in front, by which tools find secrets that were committed by mistake.
        return try AccessToken("sakuin_" + text)
    }

    /// The token in the bytes of a client's token file: the one word in it. `path` is for the error.
    public init(file bytes: [UInt8], path: String) throws(SakuinError) {
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 1, let token = try? AccessToken(words[0]) else {
            throw .invalid(
                "The token file holds one token and nothing else.", field: "token-file", value: path,
                nextStep: "'sakuin token new' makes one.")
        }
        self = token
    }

    /// Its SHA-256, `TokenFile.Entry.digestByteCount` bytes.
    public var digest: [UInt8] { Self.digest(of: text) }

    static func digest(of text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
}
