// The values of keyword fields that take several, and their terms.

/// Reads the values that a document has in such a field, of one document after another.
struct KeywordReader: ~Copyable {
    private var arrays = JSONArrayScanner()

    /// As they are written, in their order; none for null and an empty array.
    mutating func values(of field: EncodedField) throws(StorageError) -> [[UInt8]] {
        if field.isText { return [[UInt8](field.bytes)] }
        guard field.kind == .json else { return [] }
        var values: [[UInt8]] = []
        var isOfStrings = true
        do throws(SakuinError) {
            try arrays.scan(field.bytes.assumingMemoryBound(to: UInt8.self)) { value in
                if case .string(let text) = value { values.append([UInt8](text)) } else { isOfStrings = false }
            }
        } catch { isOfStrings = false }
        // What is written was checked before, so that these bytes are others.
        guard isOfStrings, values.count <= FieldDefinition.valueCountMax else {
            throw .corrupt(file: "document", offset: 0, reason: "no array of strings in field \(field.number)")
        }
        return values
    }
}

extension FieldInverter {
    /// Appends the terms of several values, of those with one normal form once, so that none counts more than another;
    /// returns the position behind the last.
    mutating func index(
        values: [[UInt8]], _ analyzer: Analyzer, _ scratch: UnitBuffer
    ) throws(TextError) -> UInt32 {
        var position: UInt32 = 0
        var seen = Set<[UInt8]>()
        for value in values {
            try value.withUnsafeBufferPointer { (text) throws(TextError) in
                try analyzer.normalize(text, into: scratch, offsets: false)
            }
            guard scratch.count > 0 else { continue }
            let term = scratch.word(0)
            guard seen.insert([UInt8](term)).inserted else { continue }
            word(term, position: position, before: nil, behind: nil)
            position += 2
        }
        return position
    }
}
