// Reads the byte-exact vectors of Protocol/vectors.

import Foundation

struct VectorFile: Sendable, CustomStringConvertible {
    var name: String
    var values: [String: String] = [:]
    var frames: [[UInt8]] = []
    /// Those of the frames that are compressed, as they are without.
    var plain: [[UInt8]] = []

    var description: String { name }
    var verdict: String { values["verdict"] ?? "" }
    var bytes: [UInt8] { frames.flatMap(\.self) }

    init(_ url: URL) throws {
        name = url.lastPathComponent
        var isPlain = false
        for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
            if line == "frame:" {
                frames.append([])
            } else if line == "plain:" {
                isPlain = true
                plain.append([])
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                values[String(line[..<colon])] = String(value)
            } else {
                let bytes = line.split(separator: " ").compactMap { UInt8($0, radix: 16) }
                if isPlain { plain[plain.count - 1] += bytes } else { frames[frames.count - 1] += bytes }
            }
        }
    }

    static func all(_ folder: String) -> [VectorFile] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Protocol/vectors")
        let urls =
            (try? FileManager.default.contentsOfDirectory(
                at: root.appending(path: folder), includingPropertiesForKeys: nil)) ?? []
        return urls.filter { $0.pathExtension == "txt" }.sorted { $0.path < $1.path }
            .compactMap { try? VectorFile($0) }
    }
}
