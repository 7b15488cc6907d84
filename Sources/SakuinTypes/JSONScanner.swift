/// A top-level value of a JSON object; bytes point into the input or into the scanner and are valid only in the call.
public enum JSONMember {
    case null
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    /// Valid UTF-8 without escapes.
    case string(UnsafeBufferPointer<UInt8>)
    /// An array or object as it stands, or an integer beyond 64 bits.
    case json(UnsafeBufferPointer<UInt8>)
}

/// Takes the members of an object in order.
public protocol JSONMemberVisitor: ~Copyable {
    mutating func member(name: UnsafeBufferPointer<UInt8>, value: JSONMember) throws(SakuinError)
}

/// Scans one JSON object (RFC 8259) without building values: everything is validated, only strings with escapes are
/// copied. Its buffers are used again from object to object.
public struct JSONObjectScanner: ~Copyable {
    /// Arrays and objects may be nested so deep.
    public static let depthMax = 128
    /// An object may have so many members.
    public static let memberCountMax = 10_000

    private var nameScratch = JSONScratch()
    private var valueScratch = JSONScratch()
    private var names = MemberNames()

    public init() {}

    /// Hands each member to `visitor`. Throws `invalidArgument` with the byte offset of what is no JSON, for a name that
    /// stands twice, and whatever the visitor throws.
    public mutating func scan<V: JSONMemberVisitor & ~Copyable>(
        _ bytes: UnsafeBufferPointer<UInt8>, visitor: inout V
    ) throws(SakuinError) {
        var input = JSONInput(bytes)
        input.skipBlanks()
        guard input.take(UInt8(ascii: "{")) else { throw input.failure("A JSON object is expected.") }
        names.removeAll()
        input.skipBlanks()
        if input.take(UInt8(ascii: "}")) { return try end(&input) }
        while true {
            input.skipBlanks()
            let at = input.at
            let name = try input.string(&nameScratch)
            guard names.insert(name) else {
                let text = String(decoding: name, as: UTF8.self)
                throw .invalid("Field '\(text)' stands twice in the object.", field: text, value: "byte \(at)")
            }
            guard names.count <= Self.memberCountMax else {
                throw .invalid(
                    "An object may have \(Self.memberCountMax) fields.", field: "document",
                    limit: Self.memberCountMax, value: names.count)
            }
            input.skipBlanks()
            guard input.take(UInt8(ascii: ":")) else { throw input.failure("A colon is expected.") }
            input.skipBlanks()
            try visitor.member(name: name, value: try input.member(&valueScratch))
            input.skipBlanks()
            if input.take(UInt8(ascii: ",")) { continue }
            guard input.take(UInt8(ascii: "}")) else { throw input.failure("A comma or '}' is expected.") }
            return try end(&input)
        }
    }

    private func end(_ input: inout JSONInput) throws(SakuinError) {
        input.skipBlanks()
        guard input.isAtEnd else { throw input.failure("Something stands behind the object.") }
    }
}

/// Scans one JSON array as `JSONObjectScanner` does an object.
public struct JSONArrayScanner: ~Copyable {
    private var scratch = JSONScratch()

    public init() {}

    /// Hands each element to `body`. Throws `invalidArgument` with the byte offset of what is no array, and whatever `body`
    /// throws.
    public mutating func scan(
        _ bytes: UnsafeBufferPointer<UInt8>, _ body: (JSONMember) throws(SakuinError) -> Void
    ) throws(SakuinError) {
        var input = JSONInput(bytes)
        input.skipBlanks()
        guard input.take(UInt8(ascii: "[")) else { throw input.failure("A JSON array is expected.") }
        input.skipBlanks()
        if !input.take(UInt8(ascii: "]")) {
            while true {
                input.skipBlanks()
                try body(try input.member(&scratch))
                input.skipBlanks()
                if input.take(UInt8(ascii: ",")) { continue }
                guard input.take(UInt8(ascii: "]")) else { throw input.failure("A comma or ']' is expected.") }
                break
            }
        }
        input.skipBlanks()
        guard input.isAtEnd else { throw input.failure("Something stands behind the array.") }
    }
}

extension JSONInput {
    /// The value that begins here; arrays and objects are only stepped over.
    fileprivate mutating func member(_ scratch: inout JSONScratch) throws(SakuinError) -> JSONMember {
        switch peek {
        case UInt8(ascii: "\""): return .string(try string(&scratch))
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let from = at
            try skipValue(depth: 0, &scratch)
            return .json(UnsafeBufferPointer(rebasing: bytes[from..<at]))
        default: return try scalar()
        }
    }
}

/// The names of an object so far: compared one by one while they are few, which they nearly always are.
private struct MemberNames: ~Copyable {
    private static let comparedCountMax = 64
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var many = Set<[UInt8]>()

    var count: Int { ends.count }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        if !many.isEmpty { many = [] }
    }

    /// False when the name is there already.
    mutating func insert(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        if ends.count < Self.comparedCountMax {
            var start = 0
            for end in ends {
                if end - start == name.count, isSame(name, start) { return false }
                start = end
            }
        } else {
            if many.isEmpty { fill() }
            guard many.insert(Array(name)).inserted else { return false }
        }
        bytes.append(contentsOf: name)
        ends.append(bytes.count)
        return true
    }

    private func isSame(_ name: UnsafeBufferPointer<UInt8>, _ start: Int) -> Bool {
        for i in 0..<name.count where bytes[start + i] != name[i] { return false }
        return true
    }

    private mutating func fill() {
        var start = 0
        for end in ends {
            many.insert(Array(bytes[start..<end]))
            start = end
        }
    }
}

/// Memory for strings with escapes.
struct JSONScratch: ~Copyable {
    private(set) var base: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int

    init() {
        capacity = 1024
        base = .allocate(capacity: capacity)
    }

    deinit { base.deallocate() }

    /// Room for `count` bytes; what was there is gone.
    mutating func prepare(_ count: Int) {
        guard count > capacity else { return }
        base.deallocate()
        capacity = max(count, 2 * capacity)
        base = .allocate(capacity: capacity)
    }
}
