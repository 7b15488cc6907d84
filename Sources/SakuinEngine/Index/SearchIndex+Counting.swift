extension SearchIndex {
    /// The answer to a count of one or two Han or kana characters, which the dictionaries have: no plan is made. nil when
    /// the request is another, or documents have died.
    func countOfOneList(
        _ request: SearchRequest, _ shared: SharedSnapshot, began: UInt64
    ) throws(SearchError) -> SearchResponse? {
        guard request.limit == 0, request.total == .exact, request.filter == nil, request.fields.isEmpty,
            request.facets.isEmpty, request.variants.isEmpty, searched.text.count == 1,
            case .tree(.text(let text, let fields)) = request.query,
            fields.isEmpty,
            searched.text[0].analyzer.kind == .cjk, let key = Self.key(text, field: searched.text[0].number)
        else { return nil }
        var count = 0
        do throws(StorageError) {
            for segment in shared.value.searchable {
                if segment.live != nil { return nil }
                count += try segment.reader.grams.find(key)?.documentFrequency ?? 0
            }
        } catch {
            throw .storage(error)
        }
        var response = SearchResponse(hits: [], total: Total(count), complete: shared.value.isComplete)
        response.notes = shared.value.missing
        response.sequence = shared.value.sequence
        response.tookMicroseconds = (Clock.nanoseconds() - began) / 1000
        return response
    }

    /// The gram that a text of one or two plain characters is.
    private static func key(_ text: String, field: Int) -> UInt64? {
        // Two characters of four bytes.
        guard text.utf8.count <= 8 else { return nil }
        return PlainText.withScalars(text) { run -> UInt64? in
            switch run.count {
            case 1: GramKey.make(field: field, kind: .character, run[0])
            case 2: GramKey.make(field: field, kind: .bigram, run[0], run[1])
            default: nil
            }
        } ?? nil
    }
}
