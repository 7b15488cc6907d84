import Synchronization

/// The memory of a reply with documents, from when the first is read until the object is gone: the server lets go of it
/// when the reply has been flushed. Documents stand in memory several times on that way, all of which counts.
///
/// Memory is taken as the reply grows. When there is none for the moment the call is refused with a time to try again;
/// a reply that could never be sent, or that the budget has no room for whatever else goes on, is refused without one.
public final class ReplyMemory: Sendable {
    private struct State {
        var replyByteCount = 0
        var wanted = 0
        var taken = 0
    }

    /// Documents as values, as JSON, in the reply and in the buffer of the connection.
    static let copyCount = 4
    /// Taken at once, so that small documents do not each go to the budget.
    private static let stepByteCount = 64 << 10

    private let budget: MemoryBudget
    /// The longest reply that the other side takes.
    private let replyByteCountMax: Int
    private let state = Mutex(State())

    init(_ budget: MemoryBudget, replyByteCountMax: Int = .max) {
        self.budget = budget
        self.replyByteCountMax = replyByteCountMax
    }

    deinit { budget.giveBackFromSearch(state.withLock { $0.taken }) }

    /// Takes memory for a further part of the reply: about `byteCount` bytes of text, in `objectByteCount` bytes of
    /// values.
    func take(_ byteCount: Int, objectByteCount: Int) throws(SakuinError) {
        try state.withLock { (state) throws(SakuinError) in
            state.replyByteCount += byteCount
            state.wanted += Self.copyCount * byteCount + objectByteCount
            if state.replyByteCount > replyByteCountMax {
                throw ReplyMemory.tooLong(state.replyByteCount, limit: replyByteCountMax)
            }
            guard state.wanted > state.taken else { return }
            if state.wanted > budget.searchByteCountMax {
                throw budget.beyondSearch(
                    state.wanted, "The reply needs more memory than the budget has for one.",
                    nextStep: ReplyMemory.smaller)
            }
            let step = max(state.wanted - state.taken, Self.stepByteCount)
            try budget.takeForSearch(
                step, orSay: "There is no memory for the reply.", otherwise: "with a smaller limit")
            state.taken += step
        }
    }

    private static let smaller = "Ask for fewer documents at a time (a smaller limit), or export the index."

    /// What those are told whose reply would be longer than they take.
    public static func tooLong(_ byteCount: Int, limit: Int) -> SakuinError {
        SakuinError(
            .resourceExhausted, "The reply is longer than the client takes.", field: "frameByteCountMax",
            limit: "\(limit)", value: "\(byteCount)", nextStep: smaller)
    }
}

/// What a part of a reply takes, about.
struct ReplyPart {
    /// Of text, as it is on the wire.
    var byteCount = 0
    /// Of the values around it in memory.
    var objectByteCount = 0

    mutating func add(key: String) {
        byteCount += key.utf8.count + 16
        objectByteCount += 96
    }

    mutating func add(_ fields: [Document.Field]) {
        for field in fields {
            byteCount += field.name.utf8.count + 4 + Self.byteCount(field.value)
            objectByteCount += 64
        }
    }

    mutating func add(_ spans: [FieldSpans]) {
        for field in spans {
            byteCount += field.field.utf8.count + 4 + 8 * field.spans.count
            objectByteCount += 64
        }
    }

    mutating func add(_ facet: Facet) {
        byteCount += facet.field.utf8.count + 40
        objectByteCount += 128
        for value in facet.values {
            byteCount += 16
            objectByteCount += 48
            if case .keyword(let text) = value.value { byteCount += text.utf8.count }
        }
        for range in facet.ranges {
            byteCount += range.name.utf8.count + 16
            objectByteCount += 48
        }
    }

    private static func byteCount(_ value: FieldValue) -> Int {
        switch value {
        case .null, .boolean: 5
        case .integer, .float: 12
        case .string(let text): text.utf8.count + 2
        case .json(let text): text.utf8.count
        }
    }
}
