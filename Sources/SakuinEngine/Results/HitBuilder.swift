/// Found documents to hits of keys and scores alone.
enum KeyHits {
    /// Those from place `offset` on.
    static func make(
        _ found: [FoundDocument], from offset: Int, _ segments: [SearchableSegment]
    ) throws(SearchError) -> [Hit] {
        var hits: [Hit] = []
        if found.count <= offset { return hits }
        hits.reserveCapacity(found.count - offset)
        prefetchKeys(found, from: offset, segments)
        do throws(StorageError) {
            var (segment, keys) = (found[offset].segment, segments[Int(found[offset].segment)].reader.keys)
            for document in found[offset...] {
                if document.segment != segment {
                    (segment, keys) = (document.segment, segments[Int(document.segment)].reader.keys)
                }
                hits.append(Hit(key: try keys.text(document.document), score: document.score))
            }
        } catch {
            throw .storage(error)
        }
        return hits
    }

    /// More keys than this do not stay in the nearest cache until they are read.
    private static let prefetchCountMax = 32

    /// The keys stand anywhere: asked for one after another each would be waited for.
    private static func prefetchKeys(_ found: [FoundDocument], from offset: Int, _ segments: [SearchableSegment]) {
        let documents = found[offset...].prefix(prefetchCountMax)
        for document in documents {
            segments[Int(document.segment)].reader.keys.prefetchPlace(of: document.document)
        }
        for document in documents {
            segments[Int(document.segment)].reader.keys.prefetchKey(document.document)
        }
    }
}

/// Found documents to hits: keys, stored fields, spans.
struct HitBuilder: ~Copyable {
    private let segments: [SearchableSegment]
    private let schema: Schema
    private let plan: QueryPlan
    private var cache = DocumentBlockCache()
    private var cachedSegment: Int32 = -1
    private lazy var highlighter = Highlighter()

    init(segments: [SearchableSegment], schema: Schema, plan: QueryPlan) {
        self.segments = segments
        self.schema = schema
        self.plan = plan
    }

    /// The hit of a found document with what the request wants of it.
    mutating func hit(_ found: FoundDocument, _ request: SearchRequest) throws(SearchError) -> Hit {
        do throws(StorageError) {
            let reader = segments[Int(found.segment)].reader
            var hit = Hit(key: try reader.keys.text(found.document), score: found.score)
            if request.returnFields == .none, !request.spans { return hit }
            let document = try document(found, reader)
            if request.spans { hit.spans = try spans(document) }
            switch request.returnFields {
            case .none: break
            case .all: hit.fields = document.fields
            case .named(let names):
                hit.fields = document.fields.filter { field in names.contains { $0.hasSameBytes(as: field.name) } }
            }
            return hit
        } catch {
            throw .storage(error)
        }
    }

    private mutating func document(_ found: FoundDocument, _ reader: SegmentReader) throws(StorageError) -> Document {
        if cachedSegment != found.segment {
            cache = DocumentBlockCache()
            cachedSegment = found.segment
        }
        return try reader.documents.document(found.document, &cache) { (bytes) throws(StorageError) in
            try EncodedDocumentReader.decode(bytes, names: reader.meta.fieldNames, file: reader.file)
        }
    }

    /// The occurrences of the query's texts in the stored text fields.
    private mutating func spans(_ document: Document) throws(StorageError) -> [FieldSpans] {
        var all: [FieldSpans] = []
        for (number, field) in schema.fields.enumerated() where field.type == .text {
            let patterns = plan.sought.filter { $0.field == number }.map(\.pattern)
            guard !patterns.isEmpty, case .string(var text)? = document[field.name] else { continue }
            let analyzer = Analyzer(kind: field.analyzer, breaks: field.breaks)
            let utf8 = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(text.utf8.count, 1))
            defer { utf8.deallocate() }
            let count = text.withUTF8 { utf8.initialize(fromContentsOf: $0) }
            do throws(TextError) {
                let bytes = UnsafeBufferPointer(rebasing: utf8[..<count])
                let spans = try highlighter.spans(of: patterns, in: bytes, analyzer: analyzer)
                if !spans.isEmpty { all.append(FieldSpans(field: field.name, spans: spans)) }
            } catch {
                throw .corrupt(file: "document", offset: 0, reason: "invalid UTF-8 in field \(field.name)")
            }
        }
        return all
    }
}
