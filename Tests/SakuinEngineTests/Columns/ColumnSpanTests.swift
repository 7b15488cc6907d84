// What texts of queries stand for among the values of a column.
import SakuinTypes
import Testing

@testable import SakuinEngine

@Suite struct ColumnSpanTests {
    /// Numbers as texts, with the greatest integer that is not above and the least that is not below; nil: none is.
    @Test(
        arguments: [
            ("0", 0, 0), ("-0", 0, 0), ("+7", 7, 7), ("007", 7, 7), ("2.5", 2, 3), ("-2.5", -3, -2), ("0.1", 0, 1),
            ("-0.1", -1, 0), (".5", 0, 1), ("5.", 5, 5), ("5.000", 5, 5), ("25e-1", 2, 3), ("1.50e1", 15, 15),
            ("1e3", 1_000, 1_000), ("0e999999999999999999999", 0, 0), ("1e-999999999999999999999", 0, 1),
            ("-1e-400", -1, 0), ("9007199254740993.0", 9_007_199_254_740_993, 9_007_199_254_740_993),
            ("9007199254740993.00001", 9_007_199_254_740_993, 9_007_199_254_740_994),
            ("9000000000000000001", 9_000_000_000_000_000_001, 9_000_000_000_000_000_001),
            ("9223372036854775807", .max, .max), ("9223372036854775807.5", .max, nil),
            ("9223372036854775808", .max, nil), ("9999999999999999999", .max, nil), ("10000000000000000000", .max, nil),
            ("1e30", .max, nil), ("1e999999999999999999999", .max, nil), ("-9223372036854775808", .min, .min),
            ("-9223372036854775808.5", nil, .min), ("-9223372036854775809", nil, .min), ("-1e30", nil, .min),
            ("-9223372036854775807.5", .min, .min + 1),
        ] as [(String, Int64?, Int64?)])
    func numbers(text: String, floor: Int64?, ceiling: Int64?) throws {
        let number = try #require(DecimalText(text))
        #expect(number.floor == floor && number.ceiling == ceiling)
    }

    @Test(arguments: [
        "", "-", "+", ".", "e5", "1e", "1e+", "1 ", " 1", "1.2.3", "--1", "0x10", "inf", "nan", "1,000", "１",
    ])
    func noNumbers(text: String) { #expect(DecimalText(text) == nil) }

    @Test func otherKinds() {
        for text in ["", "x", "nan", "1e"] { #expect(ColumnSpan(text, .float) == nil) }
        for text in ["", "1", "True", "FALSE"] { #expect(ColumnSpan(text, .boolean) == nil) }
        for text in ["", "2023", "2023-01", "2023-13-01", "1"] { #expect(ColumnSpan(text, .date) == nil) }
        let day = ColumnSpan("1970-01-02", .date)
        #expect(day?.least(inclusive: true) == 86_400_000 && day?.greatest(inclusive: true) == 172_799_999)
        #expect(day?.least(inclusive: false) == 172_800_000 && day?.greatest(inclusive: false) == 86_399_999)
    }
}
