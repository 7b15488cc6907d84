/// Bytes to frames, whatever the cuts; knows no socket. Holds at most one frame that is not whole yet.
public struct FrameReader: Sendable {
    /// What is accepted now.
    public var limits: FrameLimits
    private var held: [UInt8] = []
    private var heldStart = 0

    /// Bytes of the frame that is not whole yet, as its header says; 0 when there is none, or not all of its header.
    public private(set) var pendingFrameByteCount = 0

    public init(_ limits: FrameLimits) { self.limits = limits }
    public init(lengthMax: Int) { self.init(FrameLimits(lengthMax: lengthMax)) }

    /// Bytes that wait for the rest of their frame.
    public var pendingByteCount: Int { held.count - heldStart }

    /// Takes bytes and hands every frame that is whole to `body`, which may change the limits of those behind it; its payload
    /// is valid only there, and as it came: a compressed one says a length that can be (`FramePayload`). After a throw
    /// the connection is lost: nothing more is read.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (FrameHeader, UnsafeRawBufferPointer, inout FrameLimits) throws(WireError) -> Void
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

    /// The same where nothing can be thrown, as over the bytes of a buffer: returns what would be.
    public mutating func failure(
        reading bytes: UnsafeRawBufferPointer,
        _ body: (FrameHeader, UnsafeRawBufferPointer, inout FrameLimits) throws(WireError) -> Void
    ) -> WireError? {
        do throws(WireError) {
            try read(bytes, body)
            return nil
        } catch {
            return error
        }
    }

    /// Whole frames of `bytes`; returns how many bytes they took.
    private mutating func frames(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (FrameHeader, UnsafeRawBufferPointer, inout FrameLimits) throws(WireError) -> Void
    ) throws(WireError) -> Int {
        var at = 0
        pendingFrameByteCount = 0
        while bytes.count - at >= FrameHeader.byteCount {
            let head = UnsafeRawBufferPointer(rebasing: bytes[at..<(at + FrameHeader.byteCount)])
            let header = try FrameHeader(head, limits: limits)
            guard bytes.count - at - FrameHeader.byteCount >= header.length else {
                pendingFrameByteCount = FrameHeader.byteCount + header.length
                break
            }
            let start = at + FrameHeader.byteCount
            let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + header.length)])
            if header.isCompressed { try FramePayload.check(compressed: payload, limits) }
            try body(header, payload, &limits)
            at = start + header.length
        }
        return at
    }
}
