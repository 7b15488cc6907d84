// Columns of wide, narrow and combining characters, and cutting to a width.
import SakuinTypes
import Testing

@Suite struct DisplayWidthTests {
    @Test(arguments: [
        ("abc", 3), ("索引", 4), ("5G网络", 6), ("ｶﾞﾗｽ", 4), ("Ａ", 2), ("한국어", 6), ("e\u{301}", 1), ("が", 2),
        ("か\u{3099}", 2), ("\n", 0), ("", 0), ("　", 2), ("…", 1), ("😀", 2), ("\u{200B}", 0),
    ]) func width(text: String, columns: Int) {
        #expect(DisplayWidth.of(text) == columns)
    }

    @Test func fitCutsAndFills() {
        #expect(DisplayWidth.fit("索引", columns: 6) == "索引  ")
        #expect(DisplayWidth.fit("索引器", columns: 5) == "索引…")
        #expect(DisplayWidth.fit("索引器", columns: 4) == "索… ")
        #expect(DisplayWidth.fit("索引", columns: 4) == "索引")
    }

    @Test func fittedIsAlwaysExactlyAsWide() {
        for columns in 2...20 {
            for text in ["索引abc한국어", "a索b引c", "", "ｶﾞ", "かな漢字まじり文の長い見出し"] {
                #expect(DisplayWidth.of(DisplayWidth.fit(text, columns: columns)) == columns)
            }
        }
    }
}
