// Indexes for benchmarks, each made once a run and removed with it.

import Foundation
import SakuinEngine

/// A folder for indexes, which goes when the process ends.
enum Workplace {
    static let path = NSTemporaryDirectory() + "sakuin-micro-\(ProcessInfo.processInfo.processIdentifier)"
    private static let removal: Void = { atexit { try? FileManager.default.removeItem(atPath: Workplace.path) } }()

    /// An empty index that merges and refreshes only when it is told to.
    static func index(_ name: String) throws -> SearchIndex {
        _ = removal
        let folder = path + "/" + name
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var options = IndexOptions()
        options.mergesInBackground = false
        options.refreshIntervalMilliseconds = 0
        options.commitIntervalMilliseconds = 0
        return try SearchIndex.open(
            path: folder, schema: Schema(fields: [FieldDefinition(name: "body")]), options: options)
    }
}

extension SearchIndex {
    /// Puts a document with this text for every number.
    func put(_ numbers: Range<Int>, text: (Int) -> String) async throws {
        var start = numbers.lowerBound
        while start < numbers.upperBound {
            let end = min(start + 2_000, numbers.upperBound)
            let operations = (start..<end).map { number in
                WriteOperation.put(
                    Document(key: String(number), fields: [.init("body", .string(text(number)))]))
            }
            _ = try await write(WriteBatch(operations, acknowledge: .memory))
            start = end
        }
    }
}

/// An index in which the lengths of lists are known.
///
/// For each size s of `sizes`: the words `first‹s›` and `second‹s›` stand in about s documents each, apart from each
/// other; s documents have the four characters of `phrase(s)`, every second one of them side by side, the others with
/// all their pairs but not in a row.
actor KnownLists {
    static let shared = KnownLists()
    static let sizes = [100, 1_000, 10_000, 100_000]
    static let documentCount = 200_000
    private var made: Task<SearchIndex, any Error>?

    static func phrase(_ size: Int) -> [String] {
        let first = 0x9F00 + UInt32((sizes.firstIndex(of: size) ?? 0) * 4)
        return (first..<(first + 4)).compactMap { Unicode.Scalar($0).map { String(Character($0)) } }
    }

    func index() async throws -> SearchIndex {
        let task = made ?? Task { try await Self.make() }
        made = task
        return try await task.value
    }

    private static func make() async throws -> SearchIndex {
        let index = try Workplace.index("lists")
        try await index.put(0..<documentCount) { number in
            var random = SeededRandom(UInt64(number))
            var text = ""
            for size in sizes {
                let share = Double(size) / Double(documentCount)
                if random.fraction() < share { text += " first\(size)" }
                if random.fraction() < share { text += " second\(size)" }
                if random.fraction() < share {
                    let c = phrase(size)
                    text += number % 2 == 0 ? "，" + c.joined() : "，\(c[0])\(c[1])\(c[2])，\(c[1])\(c[2])\(c[3])"
                }
            }
            return text
        }
        _ = try await index.compact(segments: 1)
        return index
    }
}

/// Indexes of documents of 300 bytes of seeded text, in one segment.
actor TextIndexes {
    static let shared = TextIndexes()
    static let documentByteCount = 300
    private var made: [Int: Task<SearchIndex, any Error>] = [:]

    static func text(_ number: Int) -> String {
        var text = SeededText(UInt64(number))
        return text.text(byteCount: documentByteCount)
    }

    func index(documents: Int) async throws -> SearchIndex {
        let task =
            made[documents]
            ?? Task {
                let index = try Workplace.index("text-\(documents)")
                try await index.put(0..<documents, text: Self.text)
                _ = try await index.compact(segments: 1)
                return index
            }
        made[documents] = task
        return try await task.value
    }
}
