// Answers to searches as protobuf, written and read without messages in between: they are most of what a server sends
// and a client gets, and the library makes several objects of every hit.
//
// 1. `encode` adds up the bytes first, then writes them into one array; the bytes are those the library would make.
// 2. `decode` reads what `encode` writes. Whatever else it meets it leaves to the library, which knows every legal form
//    and the errors of the others.
// 3. Facets are few, and the library's: `encode` puts its bytes behind what it writes itself, `decode` leaves a reply with
//    any to it.

import SakuinTypes

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

enum SearchReplyCodec {
    /// Tags: field number × 8 + wire type (protobuf encoding guide: 0 varint, 2 length-delimited, 5 four bytes).
    private enum Tag {
        static let search: UInt8 = 4 << 3 | 2
        static let hits: UInt8 = 1 << 3 | 2
        static let total: UInt8 = 2 << 3
        static let totalIsExact: UInt8 = 3 << 3
        static let complete: UInt8 = 4 << 3
        static let notes: UInt8 = 5 << 3 | 2
        static let sequence: UInt8 = 6 << 3
        static let took: UInt8 = 7 << 3
        static let facets: UInt8 = 8 << 3 | 2
        static let key: UInt8 = 1 << 3 | 2
        static let score: UInt8 = 2 << 3 | 5
        static let json: UInt8 = 3 << 3 | 2
        static let spans: UInt8 = 4 << 3 | 2
        static let field: UInt8 = 1 << 3 | 2
        static let offsets: UInt8 = 2 << 3 | 2
    }

    // MARK: Writing

    static func encode(_ response: SearchResponse) -> [UInt8] {
        let hasFields = response.hits.contains { !$0.fields.isEmpty }
        let json: [[UInt8]] = hasFields ? response.hits.map(Self.json) : []
        let facets = response.facets.map { WireCodec.bytes(WireCodec.facet($0)) }
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: response.hits.count + 1) { counts in
            var body = byteCount(tail: response)
            for facet in facets { body += ProtoWriter.byteCount(block: facet.count) }
            for (number, hit) in response.hits.enumerated() {
                let count = byteCount(hit, jsonByteCount: hasFields ? json[number].count : 0)
                counts[number] = count
                body += ProtoWriter.byteCount(block: count)
            }
            return [UInt8](unsafeUninitializedCapacity: ProtoWriter.byteCount(block: body)) { bytes, initializedCount in
                var out = ProtoWriter(UnsafeMutableRawBufferPointer(bytes))
                out.begin(Tag.search, byteCount: body)
                for (number, hit) in response.hits.enumerated() {
                    out.begin(Tag.hits, byteCount: counts[number])
                    write(hit, hasFields ? json[number] : [], &out)
                }
                write(tail: response, &out)
                for facet in facets {
                    out.begin(Tag.facets, byteCount: facet.count)
                    facet.withUnsafeBytes { out.write($0) }
                }
                initializedCount = out.count
            }
        }
    }

    private static func json(_ hit: Hit) -> [UInt8] {
        hit.fields.isEmpty ? [] : Document(key: hit.key, fields: hit.fields).json()
    }

    private static func byteCount(tail response: SearchResponse) -> Int {
        var count = 0
        for note in response.notes { count += ProtoWriter.byteCount(block: note.utf8.count) }
        if response.total.value > 0 { count += 1 + ProtoWriter.byteCount(UInt64(response.total.value)) }
        if response.total.relation == .exact { count += 2 }
        if response.complete { count += 2 }
        if response.sequence > 0 { count += 1 + ProtoWriter.byteCount(response.sequence) }
        if response.tookMicroseconds > 0 { count += 1 + ProtoWriter.byteCount(response.tookMicroseconds) }
        return count
    }

    private static func write(tail response: SearchResponse, _ out: inout ProtoWriter) {
        out.write(Tag.total, UInt64(clamping: response.total.value))
        out.write(Tag.totalIsExact, response.total.relation == .exact ? 1 : 0)
        out.write(Tag.complete, response.complete ? 1 : 0)
        for note in response.notes { out.writeBlock(Tag.notes, note) }
        out.write(Tag.sequence, response.sequence)
        out.write(Tag.took, response.tookMicroseconds)
    }

    private static func byteCount(_ hit: Hit, jsonByteCount: Int) -> Int {
        var count = hit.score.bitPattern == 0 ? 0 : 5
        let key = hit.key.utf8.count
        if key > 0 { count += ProtoWriter.byteCount(block: key) }
        if jsonByteCount > 0 { count += ProtoWriter.byteCount(block: jsonByteCount) }
        for field in hit.spans { count += ProtoWriter.byteCount(block: byteCount(field)) }
        return count
    }

    private static func write(_ hit: Hit, _ json: [UInt8], _ out: inout ProtoWriter) {
        if !hit.key.isEmpty { out.writeBlock(Tag.key, hit.key) }
        if hit.score.bitPattern != 0 { out.write(Tag.score, fixed: hit.score.bitPattern) }
        if !json.isEmpty {
            out.begin(Tag.json, byteCount: json.count)
            json.withUnsafeBytes { out.write($0) }
        }
        for field in hit.spans {
            out.begin(Tag.spans, byteCount: byteCount(field))
            if !field.field.isEmpty { out.writeBlock(Tag.field, field.field) }
            if field.spans.isEmpty { continue }
            out.begin(Tag.offsets, byteCount: byteCount(offsets: field))
            for span in field.spans {
                out.write(varint: UInt64(UInt32(clamping: span.start)))
                out.write(varint: UInt64(UInt32(clamping: span.end)))
            }
        }
    }

    private static func byteCount(_ field: FieldSpans) -> Int {
        let name = field.field.utf8.count
        return (name > 0 ? ProtoWriter.byteCount(block: name) : 0)
            + (field.spans.isEmpty ? 0 : ProtoWriter.byteCount(block: byteCount(offsets: field)))
    }

    private static func byteCount(offsets field: FieldSpans) -> Int {
        field.spans.reduce(0) {
            $0 + ProtoWriter.byteCount(UInt64(UInt32(clamping: $1.start)))
                + ProtoWriter.byteCount(UInt64(UInt32(clamping: $1.end)))
        }
    }

    // MARK: Reading

    /// The answer of a search out of a reply; nil when it is anything but what `encode` writes.
    static func decode(_ payload: UnsafeRawBufferPointer) -> SearchResponse? {
        var outer = ProtoReader(payload)
        guard outer.tag() == Tag.search, let body = outer.block(), outer.isAtEnd else { return nil }
        var response = SearchResponse(hits: [], total: Total(0, .atLeast), complete: false)
        var reader = ProtoReader(body)
        while !reader.isAtEnd {
            switch reader.tag() {
            case Tag.hits:
                guard let block = reader.block(), let hit = hit(block) else { return nil }
                if response.hits.isEmpty { response.hits.reserveCapacity(16) }
                response.hits.append(hit)
            case Tag.total:
                guard let value = reader.varint() else { return nil }
                response.total.value = Int(clamping: value)
            case Tag.totalIsExact:
                guard let value = reader.varint() else { return nil }
                response.total.relation = value > 0 ? .exact : .atLeast
            case Tag.complete:
                guard let value = reader.varint() else { return nil }
                response.complete = value > 0
            case Tag.notes:
                guard let note = reader.text() else { return nil }
                response.notes.append(note)
            case Tag.sequence:
                guard let value = reader.varint() else { return nil }
                response.sequence = value
            case Tag.took:
                guard let value = reader.varint() else { return nil }
                response.tookMicroseconds = value
            default: return nil
            }
        }
        return response
    }

    private static func hit(_ block: UnsafeRawBufferPointer) -> Hit? {
        var reader = ProtoReader(block)
        var hit = Hit(key: "", score: 0)
        var json: UnsafeRawBufferPointer?
        while !reader.isAtEnd {
            switch reader.tag() {
            case Tag.key:
                guard let key = reader.text() else { return nil }
                hit.key = key
            case Tag.score:
                guard let bits = reader.fixed32() else { return nil }
                hit.score = Float(bitPattern: bits)
            case Tag.json:
                guard let bytes = reader.block() else { return nil }
                json = bytes
            case Tag.spans:
                guard let block = reader.block(), let spans = spans(block) else { return nil }
                hit.spans.append(spans)
            default: return nil
            }
        }
        if let json, !json.isEmpty {
            guard let document = try? Document(json: Array(json), keyField: nil, key: hit.key) else { return nil }
            hit.fields = document.fields
        }
        return hit
    }

    private static func spans(_ block: UnsafeRawBufferPointer) -> FieldSpans? {
        var reader = ProtoReader(block)
        var field = FieldSpans(field: "", spans: [])
        while !reader.isAtEnd {
            switch reader.tag() {
            case Tag.field:
                guard let name = reader.text() else { return nil }
                field.field = name
            case Tag.offsets:
                guard let packed = reader.block() else { return nil }
                var offsets = ProtoReader(packed)
                while !offsets.isAtEnd {
                    guard let start = offsets.varint(), let end = offsets.varint(), start <= UInt32.max,
                        end <= UInt32.max
                    else { return nil }
                    field.spans.append(TextSpan(start: Int(start), end: Int(end)))
                }
            default: return nil
            }
        }
        return field
    }
}
