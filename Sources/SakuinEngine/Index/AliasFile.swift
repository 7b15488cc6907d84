// The aliases of a catalog: `aliases.json`, an object with a checksum of what it holds, since a letter that flipped would
// lead a name to another index.
//
// {"aliases": {"NAME": "INDEX", …}, "crc32c": number}; the checksum is that of the inner object as it is written. The
// first versions wrote the inner object alone.

enum AliasFile {
    static let name = "aliases.json"

    /// The aliases of the folder; none when there is no file. Throws `corrupt` when it is damaged.
    static func read(_ root: any Directory) throws(StorageError) -> NameTable<String> {
        guard try root.exists(name) else { return NameTable() }
        let bytes = try root.read(name)
        func corrupt(_ reason: String) -> StorageError { .corrupt(file: name, offset: 0, reason: reason) }
        let value: JSONValue
        do throws(SakuinError) { value = try JSONValue(parsing: bytes) } catch { throw corrupt(error.message) }
        guard case .object(let members) = value else { throw corrupt("no object") }
        guard let inner = members.first(where: { $0.key == "aliases" })?.value, case .object(let entries) = inner else {
            return try aliases(members)
        }
        guard case .integer(let stored)? = members.first(where: { $0.key == "crc32c" })?.value,
            stored == Int64(checksum(inner))
        else { throw corrupt("the checksum does not match") }
        return try aliases(entries)
    }

    private static func aliases(_ members: [JSONValue.Member]) throws(StorageError) -> NameTable<String> {
        var aliases = NameTable<String>()
        for member in members {
            guard case .string(let target) = member.value else {
                throw .corrupt(file: name, offset: 0, reason: "'\(member.key)' leads to no name")
            }
            aliases[member.key] = target
        }
        return aliases
    }

    /// Of the inner object.
    static func checksum(_ value: JSONValue) -> UInt32 {
        var bytes = ByteWriter()
        bytes.append(utf8: value.text)
        return bytes.withBytes { CRC32C.checksum($0) }
    }

    /// Makes these the aliases; durable when it returns.
    static func write(_ aliases: NameTable<String>, to root: any Directory) throws(StorageError) {
        let inner = JSONValue.object(
            aliases.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map {
                JSONValue.Member(key: $0.key, value: .string($0.value))
            })
        let object = JSONValue.object([
            JSONValue.Member(key: "aliases", value: inner),
            JSONValue.Member(key: "crc32c", value: .integer(Int64(checksum(inner)))),
        ])
        var bytes = ByteWriter()
        bytes.append(utf8: object.text)
        try root.replace(name, with: bytes)
        try root.syncDirectory()
    }

    /// What is wrong with the aliases of a data folder; nil: nothing. `repairs`: a damaged file is moved out of the way.
    static func problem(_ root: any Directory, repairs: Bool) throws(StorageError) -> String? {
        do throws(StorageError) { _ = try read(root) } catch {
            guard error.isDamage else { throw error }
            let message = ErrorMapping.sakuinError(error).message + " The aliases have to be made again."
            return repairs ? "\(message) The file is kept as \(try quarantine(root))." : message
        }
        return nil
    }

    /// Moves a file that cannot be read out of the way; returns its new name.
    static func quarantine(_ root: any Directory) throws(StorageError) -> String {
        try root.createFolder(FileName.quarantineFolder)
        let target = try root.quarantineName(name)
        try root.rename(name, to: target)
        try root.syncDirectory(FileName.quarantineFolder)
        try root.syncDirectory()
        return target
    }
}
