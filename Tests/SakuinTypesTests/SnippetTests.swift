// The window of a snippet: within the width, around the first span, spans still on their text.
import SakuinTypes
import Testing

@Suite struct SnippetTests {
    private func spans(of needle: String, in text: String) -> [TextSpan] {
        let hay = Array(text.utf8)
        let pin = Array(needle.utf8)
        guard !pin.isEmpty, hay.count >= pin.count else { return [] }
        return (0...(hay.count - pin.count)).filter { Array(hay[$0..<($0 + pin.count)]) == pin }
            .map { TextSpan(start: $0, end: $0 + pin.count) }
    }

    private func make(_ text: String, _ spans: [TextSpan], _ columns: Int) -> Snippet {
        Snippet.make(text, spans: spans, columns: columns, width: { DisplayWidth.of($0) })
    }

    private func slices(_ snippet: Snippet) -> [String] {
        let utf8 = Array(snippet.text.utf8)
        return snippet.spans.map { String(decoding: utf8[$0.start..<$0.end], as: UTF8.self) }
    }

    @Test func shortTextIsWhole() {
        let snippet = make("全文検索の索引", spans(of: "索引", in: "全文検索の索引"), 40)
        #expect(snippet.text == "全文検索の索引")
        #expect(slices(snippet) == ["索引"])
        #expect(!snippet.isCutBefore && !snippet.isCutBehind)
    }

    @Test func lineBreaksBecomeBlanksAndSpansStay() {
        let text = "依托5G网\n络建设"
        let snippet = make(text, [TextSpan(start: 6, end: 15)], 40)
        #expect(snippet.text == "依托5G网 络建设")
        #expect(slices(snippet) == ["5G网 络"])
    }

    @Test func whatATerminalWouldObeyBecomesABlank() {
        let text = "依托\u{85}5G\u{2028}网\u{2029}络\u{9B}31m\u{7F}建\u{1B}设"
        let snippet = make(text, [TextSpan(start: 8, end: 16)], 40)
        #expect(snippet.text == "依托 5G 网 络 31m 建 设")
        #expect(slices(snippet) == ["5G 网"])
    }

    @Test func lineBreaksTakeRoom() {
        let snippet = make(String(repeating: "\n", count: 1_000) + "论坛", [], 20)
        #expect(snippet.text == String(repeating: " ", count: 20) && snippet.isCutBehind)
    }

    @Test func noMarkWithoutWhatItIsOn() {
        let text = String(repeating: "葛\u{E0100}", count: 30) + "论坛"
        for columns in 8...40 {
            let snippet = make(text, spans(of: "论坛", in: text), columns)
            #expect(snippet.isCutBefore && snippet.text.hasPrefix("葛\u{E0100}"), "\(columns)")
        }
    }

    @Test func everySpanStaysOnItsText() {
        let text = "国际数字经济论坛在新区开幕，论坛发布报告，论坛闭幕。" + String(repeating: "其他内容", count: 20) + "论坛"
        let found = spans(of: "论坛", in: text)
        for columns in 8...120 {
            let snippet = make(text, found, columns)
            #expect(DisplayWidth.of(snippet.text) <= columns)
            #expect(!snippet.spans.isEmpty)
            for slice in slices(snippet) { #expect("论坛".hasPrefix(slice) || "论坛".hasSuffix(slice)) }
        }
    }

    @Test func farSpansAreReached() {
        let text = String(repeating: "甲", count: 500) + "索引" + String(repeating: "乙", count: 500)
        let snippet = make(text, spans(of: "索引", in: text), 40)
        #expect(slices(snippet) == ["索引"])
        #expect(snippet.isCutBefore && snippet.isCutBehind)
    }

    @Test func emptyTextAndSpansOutsideTrapNothing() {
        let odd = [TextSpan(start: 900, end: 901), TextSpan(start: 1, end: 2)]
        #expect(make("", odd, 20).spans.isEmpty)
        #expect(make("abc", [TextSpan(start: 7, end: 9)], 20).spans.isEmpty)
        #expect(make("索引", [TextSpan(start: 1, end: 2)], 20).spans.isEmpty)
    }
}
