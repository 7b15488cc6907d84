// What of merging can be tuned is used, and what cannot be is refused by name.

import Testing

@testable import SakuinEngine

@Suite struct MergeOptionsTests {
    @Test func thePolicyTakesThem() {
        #expect(MergePolicy(MergeOptions()) == MergePolicy())
        var options = MergeOptions()
        options.segmentsPerTier = 4
        options.segmentByteCountMax = 100 << 20
        options.deadPercentMax = 50
        let policy = MergePolicy(options)
        #expect(policy.segmentsPerTier == 4 && policy.segmentByteCountMax == 100 << 20 && policy.deadShareMax == 0.5)
        #expect(policy.next(SizesTarget.segments(1..<7, mebibytes: 3))?.count == 4)
        #expect(MergePolicy().next(SizesTarget.segments(1..<7, mebibytes: 3)) == nil)
    }

    @Test func whatCannotBeIsNamed() throws {
        func refusal(_ change: (inout IndexOptions) -> Void) throws -> SakuinError {
            var options = IndexOptions()
            change(&options)
            return try #require(throws: SakuinError.self) { try options.validate() }
        }
        let cases: [(String, String, String, (inout IndexOptions) -> Void)] = [
            ("merge.segmentsPerTier", "64", "1", { $0.merge.segmentsPerTier = 1 }),
            ("merge.segmentByteCountMax", "\(16 << 20)", "5", { $0.merge.segmentByteCountMax = 5 }),
            ("merge.deadPercentMax", "90", "91", { $0.merge.deadPercentMax = 91 }),
            ("mergeBytesPerSecond", "1", "0", { $0.mergeBytesPerSecond = 0 }),
            ("diskMergeMarkBytes", "0", "-1", { $0.diskMergeMarkBytes = -1 }),
            ("diskWriteMarkBytes", "0", "-1", { $0.diskWriteMarkBytes = -1 }),
            ("journalByteCountMax", "\(1 << 40)", "\(Int.max)", { $0.journalByteCountMax = .max }),
            ("journalByteCountMax", "\(1 << 40)", "0", { $0.journalByteCountMax = 0 }),
        ]
        for (field, limit, value, change) in cases {
            let error = try refusal(change)
            #expect(error.code == .invalidArgument && error.field == field)
            #expect(error.limit == limit && error.value == value, "\(field)")
        }
        try IndexOptions().validate()
    }
}
