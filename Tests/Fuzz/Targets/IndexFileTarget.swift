// The small files of an index and of a catalog (manifest, living documents, jobs, aliases), dates and file names.

import SakuinTypes

@testable import SakuinEngine

extension FuzzTarget {
    /// Read or refused. The first byte chooses the file; checksums at the end of binary files are made to match.
    static let indexFiles = FuzzTarget(
        name: "index-files", seeds: indexFileSeeds,
        run: { bytes in
            guard let kind = bytes.first else { return nil }
            let file = Array(bytes.dropFirst())
            switch kind % 5 {
            case 0: return manifest(sealed(file))
            case 1:
                _ = sealed(file).withUnsafeBytes { raw in
                    try? LiveDocuments.decode(raw, file: "live", documentCount: 100)
                }
                return nil
            case 2:
                guard let jobs = try? JobTable(json: file, shared: []) else { return nil }
                let again = try? JobTable(json: Array(jobs.json.utf8), shared: [])
                return again?.json == jobs.json ? nil : "jobs do not come back: \(jobs.json)"
            case 3:
                return aliases(file)
            default:
                _ = file.withUnsafeBytes { DateText.milliseconds($0) }
                _ = FileName(String(decoding: file, as: UTF8.self))
                return nil
            }
        })

    /// The file as it is, and as the inner object of one with a checksum.
    private static func aliases(_ file: [UInt8]) -> String? {
        _ = try? AliasFile.read(MemoryDirectory(files: [AliasFile.name: file]))
        guard let inner = try? JSONValue(parsing: file) else { return nil }
        let whole = JSONValue.object([
            .init(key: "aliases", value: inner),
            .init(key: "crc32c", value: .integer(Int64(AliasFile.checksum(inner)))),
        ])
        let directory = MemoryDirectory(files: [AliasFile.name: Array(whole.text.utf8)])
        guard let aliases = try? AliasFile.read(directory) else { return nil }
        let again = MemoryDirectory()
        guard (try? AliasFile.write(aliases, to: directory)) != nil, let read = try? AliasFile.read(directory),
            (try? AliasFile.write(read, to: again)) != nil,
            (try? again.read(AliasFile.name)) == (try? directory.read(AliasFile.name))
        else { return "\(aliases) do not come back" }
        return nil
    }

    private static func sealed(_ file: [UInt8]) -> [UInt8] {
        guard file.count >= 4 else { return file }
        var file = file
        file.put(file.checksum(of: 0..<(file.count - 4)), at: file.count - 4)
        return file
    }

    private static func bytes(_ manifest: Manifest) -> [UInt8] {
        var out = ByteWriter()
        manifest.encode(into: &out)
        return out.withBytes { Array($0) }
    }

    private static func manifest(_ file: [UInt8]) -> String? {
        let manifest = file.withUnsafeBytes { raw in try? Manifest(decoding: raw, file: "manifest") }
        guard let manifest else { return nil }
        let back = bytes(manifest).withUnsafeBytes { raw in try? Manifest(decoding: raw, file: "manifest") }
        return back == manifest ? nil : "\(manifest) does not come back"
    }

    private static func indexFileSeeds() -> [[UInt8]] {
        var whole = Manifest()
        whole.generation = 3
        whole.segments = [.init(id: 3, documentCount: 100, liveGeneration: 2, byteCount: 4096, checksum: 7)]
        let live = LiveDocuments(documentCount: 100, dead: [1, 64, 99]).encode().withBytes { Array($0) }
        let aliases = #"{"aliases":{"now":"news"},"crc32c":1}"#
        return [
            [0] + bytes(whole), [1] + live, [2] + Array(JobTable().json.utf8), [3] + Array(aliases.utf8),
            [3] + Array(#"{"now":"news","old":"a"}"#.utf8), [4] + Array("2023-11-09T10:20:30.5+08:00".utf8),
            [4] + Array("segment-0000000000000002.seg".utf8),
        ]
    }
}
