/// A cursor over JSON text.
struct JSONInput {
    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var at = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { at >= bytes.count }
    var peek: UInt8 { at < bytes.count ? bytes[at] : 0 }

    func failure(_ message: String, at place: Int? = nil) -> SakuinError {
        .invalid(
            message, field: "json", value: "byte \(place ?? at)", nextStep: "Send one valid JSON object a document.")
    }

    mutating func skipBlanks() {
        while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 {
            at &+= 1
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte, at < bytes.count else { return false }
        at &+= 1
        return true
    }

    /// A string without its quotes; points into the input, or into `scratch` when it had escapes.
    mutating func string(_ scratch: inout JSONScratch) throws(SakuinError) -> UnsafeBufferPointer<UInt8> {
        guard take(UInt8(ascii: "\"")) else { throw failure("A string is expected.") }
        let start = at
        let count = bytes.count
        var hasEscape = false
        while at < count {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                let raw = UnsafeBufferPointer(rebasing: bytes[start..<at])
                at &+= 1
                return hasEscape ? try unescape(raw, start, &scratch) : raw
            }
            if byte == UInt8(ascii: "\\") {
                hasEscape = true
                at &+= 2
            } else if byte < 0x20 {
                throw failure("A control character must be escaped.")
            } else if byte < 0x80 {
                at &+= 1
                at = plainEnd(from: at)
            } else {
                let length = Self.sequenceLength(bytes, at)
                guard length > 0 else { throw failure("The text is not valid UTF-8.") }
                at &+= length
                if length == 3 { at = threesEnd(from: at) }
            }
        }
        throw failure("A string does not end.", at: start)
    }

    /// Steps over ASCII that a string can have as it is, eight bytes at a time.
    @inline(__always)
    private func plainEnd(from start: Int) -> Int {
        var at = start
        while bytes.count &- at >= 8, ByteWord(bytes, at).isPlain { at &+= 8 }
        return at
    }

    /// Steps over UTF-8 sequences of three bytes, as nearly all of CJK text is, five at a time.
    @inline(__always)
    private func threesEnd(from start: Int) -> Int {
        var at = start
        while bytes.count &- at >= 15 {
            guard ByteWord(bytes, at).hasThrees(leads: 0x00FF_0000_FF00_00FF),
                ByteWord(bytes, at &+ 7).hasThrees(leads: 0x0000_FF00_00FF_0000)
            else { break }
            at &+= 15
        }
        return at
    }

    /// Bytes of the UTF-8 sequence at `at`, 0 when it is none (RFC 3629).
    @inline(__always)
    static func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Int {
        let first = bytes[at]
        let left = bytes.count &- at
        if first & 0xF0 == 0xE0 {
            guard left >= 3, bytes[at &+ 1] & 0xC0 == 0x80, bytes[at &+ 2] & 0xC0 == 0x80 else { return 0 }
            if first == 0xE0, bytes[at &+ 1] < 0xA0 { return 0 }
            if first == 0xED, bytes[at &+ 1] >= 0xA0 { return 0 }
            return 3
        }
        if first >= 0xC2, first < 0xE0 { return left >= 2 && bytes[at &+ 1] & 0xC0 == 0x80 ? 2 : 0 }
        guard first >= 0xF0, first <= 0xF4, left >= 4, bytes[at &+ 1] & 0xC0 == 0x80,
            bytes[at &+ 2] & 0xC0 == 0x80, bytes[at &+ 3] & 0xC0 == 0x80
        else { return 0 }
        if first == 0xF0, bytes[at &+ 1] < 0x90 { return 0 }
        if first == 0xF4, bytes[at &+ 1] >= 0x90 { return 0 }
        return 4
    }

    private func unescape(
        _ raw: UnsafeBufferPointer<UInt8>, _ start: Int, _ scratch: inout JSONScratch
    ) throws(SakuinError) -> UnsafeBufferPointer<UInt8> {
        // An escape is never shorter than what it stands for.
        scratch.prepare(raw.count)
        let out = scratch.base
        var to = 0
        var from = 0
        while from < raw.count {
            if raw.count &- from >= 8 {
                let word = ByteWord(raw, from)
                UnsafeMutableRawPointer(out + to).storeBytes(of: word.bits.littleEndian, as: UInt64.self)
                let count = word.countBefore(UInt8(ascii: "\\"))
                to &+= count
                from &+= count
                if count == 8 { continue }
            }
            let byte = raw[from]
            guard byte == UInt8(ascii: "\\") else {
                out[to] = byte
                to &+= 1
                from &+= 1
                continue
            }
            guard from + 1 < raw.count else { throw failure("An escape does not end.", at: start + from) }
            let kind = raw[from + 1]
            from += 2
            switch kind {
            case UInt8(ascii: "n"): out[to] = 0x0A
            case UInt8(ascii: "t"): out[to] = 0x09
            case UInt8(ascii: "r"): out[to] = 0x0D
            case UInt8(ascii: "b"): out[to] = 0x08
            case UInt8(ascii: "f"): out[to] = 0x0C
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out[to] = kind
            case UInt8(ascii: "u"):
                let scalar = try self.scalar(raw, &from, start)
                for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                    out[to] = unit
                    to += 1
                }
                continue
            default: throw failure("Unknown escape.", at: start + from - 2)
            }
            to += 1
        }
        return UnsafeBufferPointer(start: out, count: to)
    }

    /// The scalar of `\uXXXX`, with its second half when it is a surrogate pair.
    private func scalar(
        _ raw: UnsafeBufferPointer<UInt8>, _ from: inout Int, _ start: Int
    ) throws(SakuinError) -> Unicode.Scalar {
        let high = try hex(raw, &from, start)
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, from + 6 <= raw.count, raw[from] == UInt8(ascii: "\\"), raw[from + 1] == UInt8(ascii: "u")
        else { throw failure("A surrogate stands alone.", at: start + from) }
        from += 2
        let low = try hex(raw, &from, start)
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { throw failure("A surrogate stands alone.", at: start + from) }
        return scalar
    }

    private func hex(
        _ raw: UnsafeBufferPointer<UInt8>, _ from: inout Int, _ start: Int
    ) throws(SakuinError) -> UInt32 {
        guard from + 4 <= raw.count else { throw failure("Four hexadecimal digits are expected.", at: start + from) }
        var value: UInt32 = 0
        for i in from..<(from + 4) {
            let digit: UInt32
            switch raw[i] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(raw[i]) - 48
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt32(raw[i]) - 87
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = UInt32(raw[i]) - 55
            default: throw failure("Four hexadecimal digits are expected.", at: start + i)
            }
            value = value << 4 | digit
        }
        from += 4
        return value
    }

    /// null, true, false or a number.
    mutating func scalar() throws(SakuinError) -> JSONMember {
        for (word, value) in [("null", JSONMember.null), ("true", .boolean(true)), ("false", .boolean(false))]
        where peek == word.utf8.first {
            guard bytes.count - at >= word.utf8.count, bytes[at..<(at + word.utf8.count)].elementsEqual(word.utf8)
            else { throw failure("A value is expected.") }
            at += word.utf8.count
            return value
        }
        return try number()
    }

    private mutating func digits() -> Int {
        let from = at
        while at < bytes.count, (0x30...0x39).contains(bytes[at]) { at &+= 1 }
        return at - from
    }

    private mutating func number() throws(SakuinError) -> JSONMember {
        let from = at
        _ = take(UInt8(ascii: "-"))
        let first = peek
        let whole = digits()
        guard whole > 0 else { throw failure("A value is expected.", at: from) }
        guard whole == 1 || first != UInt8(ascii: "0") else { throw failure("A number begins with 0.", at: from) }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw failure("Digits are expected.") }
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isInteger = false
            at += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { at += 1 }
            guard digits() > 0 else { throw failure("Digits are expected.") }
        }
        let text = String(decoding: bytes[from..<at], as: UTF8.self)
        if isInteger {
            if let value = Int64(text) { return .integer(value) }
            // As it stands: a double would change its last digits.
            return .json(UnsafeBufferPointer(rebasing: bytes[from..<at]))
        }
        guard let value = Double(text), value.isFinite else {
            throw .invalid("The number is too large.", field: "json", value: text)
        }
        return .float(value)
    }

    /// Steps over a value, checking it.
    mutating func skipValue(depth: Int, _ scratch: inout JSONScratch) throws(SakuinError) {
        guard depth < JSONObjectScanner.depthMax else {
            throw .invalid(
                "Values may be nested \(JSONObjectScanner.depthMax) deep.", field: "json",
                limit: JSONObjectScanner.depthMax, value: "byte \(at)")
        }
        switch peek {
        case UInt8(ascii: "\""): _ = try string(&scratch)
        case UInt8(ascii: "["):
            at += 1
            skipBlanks()
            if take(UInt8(ascii: "]")) { return }
            while true {
                skipBlanks()
                try skipValue(depth: depth + 1, &scratch)
                skipBlanks()
                if take(UInt8(ascii: ",")) { continue }
                guard take(UInt8(ascii: "]")) else { throw failure("A comma or ']' is expected.") }
                return
            }
        case UInt8(ascii: "{"):
            at += 1
            skipBlanks()
            if take(UInt8(ascii: "}")) { return }
            while true {
                skipBlanks()
                _ = try string(&scratch)
                skipBlanks()
                guard take(UInt8(ascii: ":")) else { throw failure("A colon is expected.") }
                skipBlanks()
                try skipValue(depth: depth + 1, &scratch)
                skipBlanks()
                if take(UInt8(ascii: ",")) { continue }
                guard take(UInt8(ascii: "}")) else { throw failure("A comma or '}' is expected.") }
                return
            }
        default: _ = try scalar()
        }
    }
}
