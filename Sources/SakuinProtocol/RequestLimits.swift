// What a request may have, counted in its bytes before the protobuf library makes messages of them: an element that is
// empty has two bytes there, and dozens of times that as a message.
//
// 1. A short request is not looked at: whatever it has makes no more than some dozen MB.
// 2. In a longer one the operations of a write and the keys of a get are counted. No other call needs that much.

import SakuinTypes

enum RequestLimits {
    /// Of a request that is neither a write nor a get.
    static let byteCountMax = 1 << 20

    /// Numbers of fields in sakuin.proto.
    private enum Field {
        static let write: UInt64 = 6
        static let get: UInt64 = 8
        static let batchOfWrite: UInt64 = 2
        static let keysOfGet: UInt64 = 2
        static let elementsOfBatch: ClosedRange<UInt64> = 2...3
    }

    /// Throws `invalidArgument` for a `Request` that has more than it may.
    static func check(request payload: UnsafeRawBufferPointer) throws(SakuinError) {
        if payload.count <= byteCountMax { return }
        var (operationCount, keyCount, otherByteCount) = (0, 0, 0)
        // A call that is there several times is one call, with what is in all of them.
        try eachField(of: payload) { (number, bytes) throws(SakuinError) in
            switch number {
            case Field.write:
                try eachField(of: bytes) { (number, bytes) throws(SakuinError) in
                    if number == Field.batchOfWrite { operationCount += try elementCount(ofBatch: bytes) }
                }
            case Field.get:
                try eachField(of: bytes) { (number, _) throws(SakuinError) in
                    if number == Field.keysOfGet { keyCount += 1 }
                }
            default: otherByteCount += bytes.count
            }
        }
        if otherByteCount > byteCountMax {
            throw .invalid(
                "A request that is neither a write nor a get may have \(byteCountMax) bytes.", field: "length",
                limit: byteCountMax, value: otherByteCount)
        }
        if keyCount > SearchRequest.windowMax {
            throw .invalid(
                "A get has at most \(SearchRequest.windowMax) keys.", field: "keys", limit: SearchRequest.windowMax,
                value: keyCount, nextStep: "Ask for fewer at a time.")
        }
        try check(operationCount: operationCount)
    }

    /// The same for a `WriteBatch` of an import.
    static func check(batch payload: UnsafeRawBufferPointer) throws(SakuinError) {
        if payload.count <= byteCountMax { return }
        try check(operationCount: try elementCount(ofBatch: payload))
    }

    private static func check(operationCount: Int) throws(SakuinError) {
        if operationCount > WriteBatch.operationCountMax {
            throw .invalid(
                "A batch may have \(WriteBatch.operationCountMax) operations.", field: "operations",
                limit: WriteBatch.operationCountMax, value: operationCount, nextStep: "Send several batches.")
        }
    }

    private static func elementCount(ofBatch bytes: UnsafeRawBufferPointer) throws(SakuinError) -> Int {
        var count = 0
        try eachField(of: bytes) { (number, _) throws(SakuinError) in
            if Field.elementsOfBatch.contains(number) { count += 1 }
        }
        return count
    }

    /// Calls `body` with the length-delimited fields of a message, by number; throws `invalidArgument` for what is none.
    private static func eachField(
        of bytes: UnsafeRawBufferPointer,
        _ body: (_ number: UInt64, UnsafeRawBufferPointer) throws(SakuinError) -> Void
    ) throws(SakuinError) {
        var reader = ProtoReader(bytes)
        while !reader.isAtEnd {
            guard let tag = reader.varint() else { throw noMessage }
            // Wire types (protobuf encoding guide): 0 varint, 1 of 64 bits, 2 length-delimited, 5 of 32 bits.
            switch tag & 7 {
            case 0: guard reader.varint() != nil else { throw noMessage }
            case 1: guard reader.fixed32() != nil, reader.fixed32() != nil else { throw noMessage }
            case 2:
                guard let block = reader.block() else { throw noMessage }
                try body(tag >> 3, block)
            case 5: guard reader.fixed32() != nil else { throw noMessage }
            default: throw noMessage
            }
        }
    }

    private static var noMessage: SakuinError { .invalid("The payload is no message.", field: "payload") }
}
