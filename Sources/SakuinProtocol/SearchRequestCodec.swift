// Searches for a query text as protobuf, written and read without messages in between, as `SearchReplyCodec` does for
// their answers: the library takes more of the processor for one than a quick search of it.
//
// 1. `encode` writes a search that has no more than query text, fields and numbers; the bytes are those the library would
//    make. Trees, filters, sort keys and what else is rare it leaves to the library.
// 2. `decode` reads what `encode` writes, and leaves everything else to the library.

import SakuinTypes

enum SearchRequestCodec {
    /// Tags: field number × 8 + wire type (protobuf encoding guide: 0 varint, 2 length-delimited).
    private enum Tag {
        static let deadline: UInt8 = 1 << 3
        static let search: UInt8 = 7 << 3 | 2
        static let index: UInt8 = 1 << 3 | 2
        static let query: UInt8 = 2 << 3 | 2
        static let fields: UInt8 = 3 << 3 | 2
        static let mode: UInt8 = 4 << 3
        static let limit: UInt8 = 5 << 3
        static let offset: UInt8 = 6 << 3
        static let total: UInt8 = 7 << 3
        static let totalLimit: UInt8 = 8 << 3
        static let returnFields: UInt8 = 11 << 3
        static let spans: UInt8 = 13 << 3
        static let minSequence: UInt8 = 14 << 3
        static let waitLimit: UInt8 = 15 << 3
        static let text: UInt8 = 1 << 3 | 2
    }

    // MARK: Writing

    /// The payload of a request; nil when the library has to make it.
    static func encode(index: String, _ request: SearchRequest, deadlineMilliseconds: UInt32) -> [UInt8]? {
        guard case .text(let text) = request.query, request.filter == nil, request.sort.isEmpty,
            request.facets.isEmpty, request.variants.isEmpty, request.pointInTime == nil, let numbers = Numbers(request)
        else { return nil }
        let queryByteCount = ProtoWriter.byteCount(block: text.utf8.count)
        var body = numbers.byteCount + ProtoWriter.byteCount(block: queryByteCount)
        if !index.isEmpty { body += ProtoWriter.byteCount(block: index.utf8.count) }
        for field in request.fields { body += ProtoWriter.byteCount(block: field.utf8.count) }
        let byteCount =
            ProtoWriter.byteCount(field: UInt64(deadlineMilliseconds)) + ProtoWriter.byteCount(block: body)
        return [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, initializedCount in
            var out = ProtoWriter(UnsafeMutableRawBufferPointer(bytes))
            out.write(Tag.deadline, UInt64(deadlineMilliseconds))
            out.begin(Tag.search, byteCount: body)
            if !index.isEmpty { out.writeBlock(Tag.index, index) }
            out.begin(Tag.query, byteCount: queryByteCount)
            out.writeBlock(Tag.text, text)
            for field in request.fields { out.writeBlock(Tag.fields, field) }
            numbers.write(&out)
            initializedCount = out.count
        }
    }

    /// The fields of a search that are numbers, as they cross the wire.
    private struct Numbers {
        let mode: UInt64
        let limit: UInt64
        let offset: UInt64
        let total: UInt64
        let totalLimit: UInt64
        let returnFields: UInt64
        let spans: UInt64
        let minSequence: UInt64
        let waitLimit: UInt64

        /// nil when fields are to be returned by name.
        init?(_ request: SearchRequest) {
            switch request.returnFields {
            case .none: returnFields = 0
            case .all: returnFields = 1
            case .named: return nil
            }
            switch request.total {
            case .exact: (total, totalLimit) = (0, 0)
            case .atLeast(let limit): (total, totalLimit) = (1, UInt64(clamping: limit))
            case .none: (total, totalLimit) = (2, 0)
            }
            mode = request.mode == .smart ? 1 : 0
            limit = UInt64(UInt32(clamping: request.limit))
            offset = UInt64(UInt32(clamping: request.offset))
            spans = request.spans ? 1 : 0
            minSequence = request.minSequence
            waitLimit = UInt64(UInt32(clamping: request.waitLimitMilliseconds))
        }

        var byteCount: Int {
            ProtoWriter.byteCount(field: mode) + ProtoWriter.byteCount(field: limit)
                + ProtoWriter.byteCount(field: offset) + ProtoWriter.byteCount(field: total)
                + ProtoWriter.byteCount(field: totalLimit) + ProtoWriter.byteCount(field: returnFields)
                + ProtoWriter.byteCount(field: spans) + ProtoWriter.byteCount(field: minSequence)
                + ProtoWriter.byteCount(field: waitLimit)
        }

        func write(_ out: inout ProtoWriter) {
            out.write(Tag.mode, mode)
            out.write(Tag.limit, limit)
            out.write(Tag.offset, offset)
            out.write(Tag.total, total)
            out.write(Tag.totalLimit, totalLimit)
            out.write(Tag.returnFields, returnFields)
            out.write(Tag.spans, spans)
            out.write(Tag.minSequence, minSequence)
            out.write(Tag.waitLimit, waitLimit)
        }
    }

    // MARK: Reading

    /// A search out of a request; nil when it is anything but what `encode` writes.
    static func decode(_ payload: UnsafeRawBufferPointer) -> WireRequest? {
        var outer = ProtoReader(payload)
        var deadline: UInt32 = 0
        var tag = outer.tag()
        if tag == Tag.deadline {
            guard let value = outer.uint32() else { return nil }
            deadline = value
            tag = outer.tag()
        }
        guard tag == Tag.search, let body = outer.block(), outer.isAtEnd, let (index, request) = search(body) else {
            return nil
        }
        return WireRequest(.search(index: index, request), deadlineMilliseconds: deadline)
    }

    private static func search(_ body: UnsafeRawBufferPointer) -> (index: String, request: SearchRequest)? {
        var reader = ProtoReader(body)
        var index = ""
        var query: String?
        // What a message without a field says is not always what a request begins with.
        var request = SearchRequest("", limit: 0)
        request.waitLimitMilliseconds = 0
        var total: UInt32 = 0
        var totalLimit: UInt64 = 0
        while let tag = reader.tag() {
            switch tag {
            case Tag.index:
                guard let text = reader.text() else { return nil }
                index = text
            case Tag.query:
                // A second one would have to be merged into the first.
                guard query == nil, let block = reader.block(), let text = queryText(block) else { return nil }
                query = text
            case Tag.fields:
                guard let field = reader.text() else { return nil }
                request.fields.append(field)
            case Tag.total:
                guard let value = reader.uint32() else { return nil }
                total = value
            case Tag.totalLimit:
                guard let value = reader.varint() else { return nil }
                totalLimit = value
            default: guard number(tag, &reader, &request) else { return nil }
            }
        }
        guard let query else { return nil }
        request.query = .text(query)
        switch total {
        case 0: request.total = .exact
        case 1: request.total = .atLeast(Int(clamping: totalLimit))
        case 2: request.total = .none
        default: return nil
        }
        return (index, request)
    }

    private static func queryText(_ block: UnsafeRawBufferPointer) -> String? {
        var reader = ProtoReader(block)
        guard reader.tag() == Tag.text, let text = reader.text(), reader.isAtEnd else { return nil }
        return text
    }

    /// Reads a number into its place; false when the tag is none of theirs or the value none that is written.
    private static func number(_ tag: UInt8, _ reader: inout ProtoReader, _ request: inout SearchRequest) -> Bool {
        guard let value = reader.varint() else { return false }
        if tag == Tag.minSequence {
            request.minSequence = value
            return true
        }
        guard let value = UInt32(exactly: value) else { return false }
        switch tag {
        case Tag.limit: request.limit = Int(value)
        case Tag.offset: request.offset = Int(value)
        case Tag.waitLimit: request.waitLimitMilliseconds = Int(value)
        case Tag.mode where value <= 1: request.mode = value == 1 ? .smart : .exact
        case Tag.returnFields where value <= 1: request.returnFields = value == 1 ? .all : .none
        case Tag.spans where value <= 1: request.spans = value == 1
        default: return false
        }
        return true
    }
}
