/// Bytes to frames, whatever the cuts; knows no socket. Holds at most one frame that is not whole yet.
public struct FrameReader: Sendable {
    /// The longest payload accepted now.
    public var lengthMax: Int
    private var held: [UInt8] = []
    private var heldStart = 0

    public init(lengthMax: Int) { self.lengthMax = lengthMax }

    /// Bytes that wait for the rest of their frame.
    public var pendingByteCount: Int { held.count - heldStart }

    /// Takes bytes and hands every frame that is whole to `body`; its payload is valid only there. After a throw the
    /// connection is lost: nothing more is read.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (FrameHeader, UnsafeRawBufferPointer, inout Int) throws(WireError) -> Void
    ) throws(WireError) {
        if pendingByteCount == 0 {
            let used = try frames(bytes, body)
            held.removeAll(keepingCapacity: held.capacity < 1 << 20)
            heldStart = 0
            held.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[used...]))
            return
        }
        held.append(contentsOf: bytes)
        let copy = held
        var used = 0
        // The array's bytes do not move while `copy` holds them.
        let result: Result<Int, WireError> = copy.withUnsafeBytes { all in
            do throws(WireError) {
                return .success(try frames(UnsafeRawBufferPointer(rebasing: all[heldStart...]), body))
            } catch {
                return .failure(error)
            }
        }
        used = try result.get()
        heldStart += used
        if heldStart == held.count {
            held.removeAll(keepingCapacity: held.capacity < 1 << 20)
            heldStart = 0
        } else if heldStart > 1 << 20 {
            held.removeFirst(heldStart)
            heldStart = 0
        }
    }

    /// Whole frames of `bytes`; returns how many bytes they took.
    private mutating func frames(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (FrameHeader, UnsafeRawBufferPointer, inout Int) throws(WireError) -> Void
    ) throws(WireError) -> Int {
        var at = 0
        while bytes.count - at >= FrameHeader.byteCount {
            let head = UnsafeRawBufferPointer(rebasing: bytes[at..<(at + FrameHeader.byteCount)])
            let header = try FrameHeader(head, lengthMax: lengthMax)
            guard bytes.count - at - FrameHeader.byteCount >= header.length else { break }
            let start = at + FrameHeader.byteCount
            try body(header, UnsafeRawBufferPointer(rebasing: bytes[start..<(start + header.length)]), &lengthMax)
            at = start + header.length
        }
        return at
    }
}
