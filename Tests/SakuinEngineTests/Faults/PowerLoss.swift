// What a machine finds that stopped at a moment: only the process ended, or the power failed.

import SakuinTestSupport

@testable import SakuinEngine

/// How much of what was not synced is there after a stop.
enum Stop: CaseIterable, Sendable {
    /// Only the process ended: all of it.
    case kill
    /// Nothing.
    case forgetful
    /// A beginning of each file's unsynced bytes, a beginning of the folder's changes.
    case torn
    /// Any of the 512-byte sectors of the unsynced bytes, any of the folder's changes.
    case sectors
    /// Any of the 4-KiB pages of the unsynced bytes, any of the folder's changes.
    case pages

    var isPowerLoss: Bool { self != .kill }
}

extension MemoryDirectory.Image {
    /// The folder after the stop. What chance decides comes from the seed.
    func after(_ stop: Stop, seed: UInt64) -> MemoryDirectory {
        var random = SeededRandom(seed: seed)
        var survivors = stop == .kill ? names : durableNames
        switch stop {
        case .kill, .forgetful: break
        case .torn: for change in changes.prefix(random.below(changes.count + 1)) { change.apply(to: &survivors) }
        case .sectors, .pages: for change in changes where random.below(2) == 0 { change.apply(to: &survivors) }
        }
        var files: [String: [UInt8]] = [:]
        for name in survivors.keys.sorted() {
            guard let node = survivors[name] else { continue }
            let content = content(node)
            files[name] =
                switch stop {
                case .kill: content.bytes
                case .forgetful: content.durable
                case .torn: content.torn(&random)
                case .sectors: content.scattered(512, &random)
                case .pages: content.scattered(4096, &random)
                }
        }
        return MemoryDirectory(files: files)
    }
}

extension MemoryDirectory.Content {
    fileprivate func torn(_ random: inout SeededRandom) -> [UInt8] {
        guard bytes.count > durable.count else { return durable }
        return durable + bytes[durable.count..<durable.count + random.below(bytes.count - durable.count + 1)]
    }

    /// The file has grown by a part of what was written; of that each block is there, or zeros, or rubbish.
    fileprivate func scattered(_ blockByteCount: Int, _ random: inout SeededRandom) -> [UInt8] {
        guard bytes.count > durable.count else { return durable }
        var all = random.below(2) == 0
        let end = all ? bytes.count : durable.count + random.below(bytes.count - durable.count + 1)
        all = random.below(8) == 0
        var result = durable + [UInt8](repeating: 0, count: end - durable.count)
        var from = durable.count
        while from < end {
            let to = min((from / blockByteCount + 1) * blockByteCount, end)
            switch all ? 0 : random.below(8) {
            case 0...3: result.replaceSubrange(from..<to, with: bytes[from..<to])
            case 4: for i in from..<to { result[i] = UInt8(truncatingIfNeeded: random.next()) }
            default: break
            }
            from = to
        }
        // Preallocated room.
        if random.below(4) == 0 { result += [UInt8](repeating: 0, count: random.below(6000)) }
        return result
    }
}

extension MemoryDirectory {
    /// The folder as it is when only the process ends now.
    func copyAfterKill() -> MemoryDirectory { image().after(.kill, seed: 0) }

    /// The folder after a power loss now: without a seed nothing that was not synced is there.
    func copyAfterCrash(seed: UInt64? = nil) -> MemoryDirectory {
        image().after(seed == nil ? .forgetful : .torn, seed: seed ?? 0)
    }
}
