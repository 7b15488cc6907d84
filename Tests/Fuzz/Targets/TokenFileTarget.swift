// Token files.

import SakuinAccess

extension FuzzTarget {
    /// What is read can be written as lines and read again, and every token that stands in it is found under its hash.
    static let tokenFiles = FuzzTarget(
        name: "token-files",
        seeds: {
            let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            return [
                "reader \(hash) web\n", "# all\r\n\tadmin  \(hash.uppercased()) # me\r\n",
                "writer \(hash)\nadmin \(String(hash.reversed())) a@b.c\n",
            ].map { Array($0.utf8) }
        },
        run: { bytes in
            guard let file = try? TokenFile(parsing: Array(bytes)) else { return nil }
            let lines = file.entries.map(\.line).joined(separator: "\n")
            guard let back = try? TokenFile(parsing: Array(lines.utf8)), back == file else {
                return "\(file.entries.count) entries do not come back"
            }
            for entry in file.entries where file.entry(ofDigest: entry.digest) != entry {
                return "an entry is not found"
            }
            return nil
        })
}
