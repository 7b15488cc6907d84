extension MemoryDirectory {
    /// What happened to a name, until its folder is synced.
    enum NameChange: Sendable {
        case set(String, Node)
        case rename(String, to: String, Node)
        case renameFolder(String, to: String)
        case remove(String)

        func apply(to names: inout [String: Node]) {
            switch self {
            case .set(let name, let node): names[name] = node
            case .rename(let name, let target, let node):
                names[name] = nil
                names[target] = node
            case .renameFolder(let folder, let target):
                for (name, node) in names {
                    guard let moved = Self.moved(name, folder, target) else { continue }
                    names[name] = nil
                    names[moved] = node
                }
            case .remove(let name): names[name] = nil
            }
        }

        /// Whether syncing the folder makes it durable; a move is whole once either side is.
        func isIn(_ folder: String) -> Bool {
            switch self {
            case .set(let name, _), .remove(let name): Self.folder(of: name) == folder
            case .rename(let name, let target, _), .renameFolder(let name, let target):
                Self.folder(of: name) == folder || Self.folder(of: target) == folder
            }
        }

        /// The same change once a later move of its folder is durable.
        func behind(_ move: NameChange) -> NameChange {
            guard case .renameFolder(let folder, let target) = move else { return self }
            func now(_ name: String) -> String { Self.moved(name, folder, target) ?? name }
            return switch self {
            case .set(let name, let node): .set(now(name), node)
            case .rename(let name, let to, let node): .rename(now(name), to: now(to), node)
            case .renameFolder(let name, let to): .renameFolder(now(name), to: now(to))
            case .remove(let name): .remove(now(name))
            }
        }

        private static func moved(_ name: String, _ folder: String, _ target: String) -> String? {
            name.hasPrefix(folder + "/") ? target + name.dropFirst(folder.count) : nil
        }

        private static func folder(of name: String) -> String {
            guard let slash = name.lastIndex(of: "/") else { return "" }
            return String(name[..<slash])
        }
    }
}
