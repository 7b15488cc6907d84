// The fold of every scalar and of Unicode's normalisation test, where its data files are installed.

import Foundation
import Testing

@testable import SakuinEngine

/// Unicode's data files, as Debian's package unicode-data installs them.
@Suite struct UnicodeDataTests {
    private static let folder = "/usr/share/unicode"

    /// Whether the files are there and of the version the tables were made from.
    private static let hasData: Bool = {
        guard let text = try? String(contentsOfFile: folder + "/ReadMe.txt", encoding: .utf8) else { return false }
        return text.contains("Version \(CharacterTable.version / 10_000).")
    }()

    private static func folded(_ text: String.UnicodeScalarView) throws -> [UInt32] {
        var out: [UInt32] = []
        try Array(String(text).utf8).withUnsafeBufferPointer { bytes throws(TextError) in
            try SlowNormalizer.forEachFolded(bytes) { scalar, _, _, _ in out.append(scalar) }
        }
        return out
    }

    private static func scalars(_ hex: some StringProtocol) -> String.UnicodeScalarView {
        var view = String.UnicodeScalarView()
        view.append(
            contentsOf: hex.split(separator: " ").compactMap { UInt32($0, radix: 16).flatMap(Unicode.Scalar.init) })
        return view
    }

    @Test(.enabled(if: hasData, "needs the package unicode-data of the tables' version"))
    func everyScalarFoldsAsUnicodeSays() throws {
        var expected: [UInt32: [UInt32]] = [:]
        let text = try String(contentsOfFile: Self.folder + "/DerivedNormalizationProps.txt", encoding: .utf8)
        for line in text.split(separator: "\n") {
            let parts = line.prefix { $0 != "#" }.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.count >= 2, parts[1] == "NFKC_CF" else { continue }
            let mapping = line.prefix { $0 != "#" }.split(separator: ";", omittingEmptySubsequences: false)
            let target = mapping.count > 2 ? Self.scalars(mapping[2]).map(\.value) : []
            let ends = parts[0].split(separator: ".").compactMap { UInt32($0, radix: 16) }
            let first = try #require(ends.first)
            for scalar in first...(ends.last ?? first) { expected[scalar] = target }
        }
        try #require(expected.count > 10_000)
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let found = try Self.folded(String.UnicodeScalarView([scalar]))
            guard found == expected[value] ?? [value] else {
                Issue.record("U+\(String(value, radix: 16)) folds to \(found)")
                return
            }
        }
    }

    /// The forms a line of the test file calls equivalent fold to one, and to the form it names.
    @Test(.enabled(if: hasData, "needs the package unicode-data of the tables' version"))
    func normalizationTestOfUnicode() throws {
        let unpack = Process()
        unpack.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        unpack.arguments = ["bzip2", "-dc", Self.folder + "/NormalizationTest.txt.bz2"]
        let pipe = Pipe()
        unpack.standardOutput = pipe
        try unpack.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        unpack.waitUntilExit()
        var (lines, compared) = (0, 0)
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("@") {
            let columns = line.prefix { $0 != "#" }.split(separator: ";").prefix(5)
            guard columns.count == 5 else { continue }
            lines += 1
            let forms = try columns.map { try Self.folded(Self.scalars($0)) }
            // The fourth column is NFKC: the fold of the first, when folding case has nothing left to do.
            let composed = Self.scalars(columns[3])
            let isFolded = try composed.allSatisfy { try Self.folded(String.UnicodeScalarView([$0])) == [$0.value] }
            if isFolded { compared += 1 }
            guard forms.allSatisfy({ $0 == forms[0] }), !isFolded || forms[0] == composed.map(\.value) else {
                Issue.record("\(line): \(forms)")
                return
            }
        }
        #expect(lines > 18_000 && compared > 17_000, "\(lines) lines, \(compared) compared with NFKC")
    }
}
