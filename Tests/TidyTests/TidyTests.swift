// Reads the tree: imports that may be, file lengths, purpose lines, words that must not stand in the sources.
import Foundation
import Testing

private struct SourceFile {
    let path: String
    let lines: [Substring]
    var module: String { String(path.split(separator: "/")[1]) }
    var room: String? {
        let parts = path.split(separator: "/")
        return parts.count > 3 ? String(parts[2]) : nil
    }
}

private enum Tree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Swift files below the folders, generated code left out.
    static func files(_ folders: String...) -> [SourceFile] {
        folders.flatMap { folder -> [SourceFile] in
            let found = FileManager.default.enumerator(atPath: root + "/" + folder)?.compactMap { $0 as? String } ?? []
            return found.sorted().filter { $0.hasSuffix(".swift") && !$0.contains("Generated/") }.compactMap { name in
                guard let text = try? String(contentsOfFile: "\(root)/\(folder)/\(name)", encoding: .utf8) else {
                    return nil
                }
                return SourceFile(
                    path: "\(folder)/\(name)", lines: text.split(separator: "\n", omittingEmptySubsequences: false))
            }
        }
    }
}

@Suite struct TidyTests {
    /// Modules a module of `Sources` may import.
    private static let imports: [String: Set<String>] = [
        "SakuinTypes": [],
        "SakuinCompression": ["CLZ4"],
        "SakuinEngine": ["SakuinTypes", "SakuinCompression", "CPrefetch", "Glibc", "Darwin", "Synchronization"],
        // Bytes of a protobuf message are Foundation's Data.
        "SakuinProtocol": ["SakuinTypes", "SakuinCompression", "SwiftProtobuf", "Foundation", "FoundationEssentials"],
        "SakuinAccess": ["SakuinTypes", "Crypto", "NIOCore", "NIOSSL", "Foundation", "Glibc", "Darwin"],
        "SakuinClient": [
            "SakuinTypes", "SakuinAccess", "SakuinProtocol", "NIOCore", "NIOPosix", "NIOConcurrencyHelpers", "Logging",
            "Synchronization", "Glibc", "Darwin",
        ],
        "SakuinServer": [
            "SakuinTypes", "SakuinAccess", "SakuinEngine", "SakuinProtocol", "NIOCore", "NIOPosix",
            "NIOConcurrencyHelpers", "Logging",
            "Metrics", "CoreMetrics", "NIOHTTP1", "ServiceLifecycle", "Synchronization", "Foundation",
        ],
        "SakuinProgram": ["SakuinTypes", "ArgumentParser"],
        "SakuinDaemon": [
            "SakuinTypes", "SakuinAccess", "SakuinEngine", "SakuinServer", "SakuinProgram", "ArgumentParser", "Logging",
            "ServiceLifecycle", "UnixSignals", "Foundation", "Glibc", "Darwin",
        ],
        "SakuinCLI": [
            "SakuinTypes", "SakuinAccess", "SakuinEngine", "SakuinProtocol", "SakuinClient", "SakuinProgram",
            "ArgumentParser", "Histogram", "Logging", "Foundation", "Glibc", "Darwin", "Synchronization",
        ],
    ]

    @Test func modulesImportOnlyWhatTheyMay() throws {
        let files = Tree.files("Sources")
        try #require(files.count > 50)
        for file in files {
            guard let allowed = Self.imports[file.module] else {
                Issue.record("\(file.path): unknown module")
                continue
            }
            for line in file.lines {
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                    words[..<place].allSatisfy({ $0.hasPrefix("@") || ["public", "internal", "private"].contains($0) })
                else { continue }
                let module = String(words[words.count - 1].split(separator: ".")[0])
                #expect(allowed.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test(arguments: [
        ("CLZ4", "Sources/SakuinCompression/BlockCompression.swift"),
        ("CPrefetch", "Sources/SakuinEngine/Bytes/Prefetch.swift"),
    ])
    func cIsImportedByOneFile(module: String, path: String) {
        let importers = Tree.files("Sources").filter { file in file.lines.contains { $0.hasSuffix("import \(module)") }
        }
        #expect(importers.map(\.path) == [path])
    }

    @Test func filesAreShort() {
        for file in Tree.files("Sources", "Tests") {
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func everySourceFileSaysItsPurpose() {
        for file in Tree.files("Sources") {
            let code = file.lines.drop { line in
                line.isEmpty || line.contains("import ") || line.hasPrefix("#") || line.hasPrefix("@_exported")
            }
            let first = file.lines.first ?? ""
            #expect(
                first.hasPrefix("//") || code.first?.hasPrefix("//") == true
                    || code.first?.hasPrefix("extension") == true,
                "\(file.path) begins without a purpose")
        }
    }

    @Test func baseNamesAreUniqueInAModule() {
        var seen: [String: String] = [:]
        for file in Tree.files("Sources") {
            let name = file.module + "/" + (file.path.split(separator: "/").last ?? "").lowercased()
            #expect(seen.updateValue(file.path, forKey: name) == nil, "\(file.path) and another have one name")
        }
    }

    @Test func forbiddenWords() {
        let words = ["TO" + "DO", "FIX" + "ME", "try" + "!", "as" + "!", "fatal" + "Error("]
        for file in Tree.files("Sources") {
            for (number, line) in file.lines.enumerated() {
                for word in words { #expect(!line.contains(word), "\(file.path):\(number + 1) has \(word)") }
            }
        }
    }

    /// Rooms of the engine that a room never names, by the types its files define.
    @Test func roomsPointDown() {
        let files = Tree.files("Sources/SakuinEngine").map { file in
            SourceFile(
                path: "Sources/" + file.path.split(separator: "/").dropFirst().joined(separator: "/"), lines: file.lines
            )
        }
        var types: [String: [String]] = [:]
        let declaration = /^(?:public |final |indirect )*(?:struct|class|enum|protocol|actor) ([A-Z][A-Za-z0-9]+)/
        for file in files {
            guard let room = file.room else { continue }
            for line in file.lines {
                if let name = line.firstMatch(of: declaration)?.1 { types[room, default: []].append(String(name)) }
            }
        }
        #expect(types["Inversion"]?.isEmpty == false && types["Merge"]?.isEmpty == false)
        let never: [(room: String, rooms: [String])] = [
            ("Segment", ["Inversion", "Merge", "Search", "Index"]), ("Search", ["Inversion", "Merge", "Index"]),
            ("Postings", ["Dictionary", "Segment", "Search", "Index"]),
            ("Dictionary", ["Segment", "Search", "Index"]),
            ("Documents", ["Segment", "Search", "Index"]), ("Columns", ["Segment", "Search", "Index"]),
            ("Files", ["Segment", "Postings", "Documents", "Index"]), ("Inversion", ["Search", "Merge", "Index"]),
            ("Query", ["Search", "Segment", "Index"]),
            ("Results", ["Inversion", "Merge", "Index"]),
            ("Text", ["Postings", "Segment", "Search", "Index"]),
            ("Bytes", ["Files", "Segment", "Search", "Index"]), ("Merge", ["Inversion", "Search", "Index"]),
        ]
        for (room, others) in never {
            let names = Set(others.flatMap { types[$0] ?? [] })
            for file in files where file.room == room {
                for (number, line) in file.lines.enumerated() {
                    let code = line.split(separator: "//", omittingEmptySubsequences: false).first ?? ""
                    for word in code.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" })
                    where names.contains(String(word)) {
                        Issue.record("\(file.path):\(number + 1) names \(word)")
                    }
                }
            }
        }
    }
}
