import SakuinEngine
import SakuinTypes

/// Options of merging and of the room it leaves on the disk, by the names they have in flags and in the file.
struct MergeConfiguration: Equatable {
    /// Nil: what the engine does without being told.
    private var values: [String: Int] = [:]

    /// Names, and what they may be.
    private static let ranges: [(name: String, range: ClosedRange<Int>)] = [
        ("merge-mb-per-s", 1...1 << 20), ("merge-max-segment-mb", 16...1 << 24), ("merge-deletes-percent", 5...90),
        ("merge-segments-per-tier", 2...64), ("disk-merge-mb", 0...1 << 24), ("disk-write-mb", 0...1 << 24),
    ]
    static let names = ranges.map(\.name)

    /// Takes a value, nil being none; false when the name is another option's.
    @discardableResult
    mutating func set(_ name: String, _ value: Int?) -> Bool {
        guard Self.names.contains(name) else { return false }
        if let value { values[name] = value }
        return true
    }

    /// Tells the engine; throws for a value that cannot be.
    func apply(to options: inout IndexOptions) throws(SakuinError) {
        for (name, range) in Self.ranges {
            guard let value = values[name] else { continue }
            if !range.contains(value) {
                throw .invalid(
                    "\(name) is \(range.lowerBound) to \(range.upperBound).", field: name,
                    limit: value < range.lowerBound ? range.lowerBound : range.upperBound, value: value)
            }
            switch name {
            case "merge-mb-per-s": options.mergeBytesPerSecond = value << 20
            case "merge-max-segment-mb": options.merge.segmentByteCountMax = value << 20
            case "merge-deletes-percent": options.merge.deadPercentMax = value
            case "merge-segments-per-tier": options.merge.segmentsPerTier = value
            case "disk-merge-mb": options.diskMergeMarkBytes = value << 20
            default: options.diskWriteMarkBytes = value << 20
            }
        }
    }
}
