// Tokens, and the files that hold one.

import Foundation
import SakuinAccess
import SakuinTypes
import Testing

@Suite struct AccessTokenTests {
    @Test func freshTokensDiffer() throws {
        let tokens = try (0..<100).map { _ in try AccessToken.fresh() }
        #expect(Set(tokens.map(\.text)).count == 100)
        for token in tokens {
            #expect(token.text.wholeMatch(of: /sakuin_[A-Za-z0-9_-]{32}/) != nil)
            #expect("\(token) \(String(reflecting: token))".contains(token.text) == false)
        }
        var dumped = ""
        dump(tokens[0], to: &dumped)
        #expect(!dumped.contains(tokens[0].text))
    }

    @Test func whatATokenMayBe() throws {
        #expect(try AccessToken("!~").text == "!~")
        let long = String(repeating: "a", count: AccessToken.byteCountMax)
        #expect(try AccessToken(long).text == long)
        for wrong in ["", " ", "a b", "索", "a\n", "a\u{7F}", long + "a"] {
            #expect(throws: SakuinError.self, "\(wrong)") { try AccessToken(wrong) }
        }
    }

    @Test func aFileHoldsOneToken() throws {
        #expect(try AccessToken(file: Array("\n abc \r\n".utf8), path: "p").text == "abc")
        for wrong in ["", " \n", "abc def", "索引"] {
            let error = #expect(throws: SakuinError.self) { try AccessToken(file: Array(wrong.utf8), path: "p") }
            #expect(error?.field == "token-file" && error?.value == "p")
            if !wrong.isEmpty { #expect("\(error as Any)".contains("def") == false) }
        }
    }

    @Test func secretsThatOthersCanReadAreRefused() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sakuin-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let missing = #expect(throws: SakuinError.self) {
            try AccessFile.read(path, field: "f", byteCountMax: 9)
        }
        #expect(missing?.field == "f" && missing?.value == path)
        try Data("a secret".utf8).write(to: URL(filePath: path))
        for (mode, isRefused) in [
            (0o600, false), (0o400, false), (0o640, false), (0o440, false), (0o644, true), (0o660, true), (0o601, true),
            (0o602, true),
        ] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            do throws(SakuinError) {
                let bytes = try AccessFile.read(path, field: "f", byteCountMax: 8)
                #expect(!isRefused && bytes == Array("a secret".utf8), "\(mode)")
            } catch {
                #expect(isRefused && error.field == "f" && error.nextStep == "chmod 600 \(path)", "\(mode)")
            }
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let long = #expect(throws: SakuinError.self) { try AccessFile.read(path, field: "f", byteCountMax: 7) }
        #expect(long?.limit == "7")
        let folder = FileManager.default.temporaryDirectory.path
        #expect(throws: SakuinError.self) { try AccessFile.read(folder, field: "f", byteCountMax: 7) }
    }
}
