// Payloads as they travel: the content, or a u32 with the length of the content and an LZ4 block that makes it.

import SakuinCompression
public import SakuinTypes

/// What payloads may be compressed by, with its number in HELLO and WELCOME. There are more numbers than this build knows.
public struct FrameCompression: RawRepresentable, Sendable, Hashable {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    /// LZ4's block format, without a dictionary (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md).
    public static let lz4 = FrameCompression(rawValue: 1)

    /// What this build can do, the best first.
    public static let known: [FrameCompression] = [.lz4]

    /// What a server takes of what a client offers, the client's best first; nil when it knows nothing of it.
    public static func chosen(of offered: [FrameCompression]) -> FrameCompression? {
        offered.first { known.contains($0) }
    }
}

/// A payload, compressed or not.
public struct FramePayload: Sendable, Hashable {
    /// As they stand behind the header.
    public let bytes: [UInt8]
    public let isCompressed: Bool
    /// Bytes of what is in it: what limits of length, credit and memory count.
    public let contentByteCount: Int

    /// For the header.
    public var flags: UInt8 { isCompressed ? FrameHeader.compressedFlag : 0 }

    /// More than this is compressed and decompressed off the event loop: it takes the loop about 0.1 ms.
    public static let quickByteCountMax = 16 << 10
    /// Less is not worth the try: of a short text LZ4 saves little, and a packet is sent for it anyway.
    static let compressedByteCountMin = 1 << 10
    /// Of the length, in front of the block.
    private static let lengthByteCount = 4

    /// One that is not compressed.
    public init(_ content: [UInt8]) {
        self.init(bytes: content, isCompressed: false, contentByteCount: content.count)
    }

    private init(bytes: [UInt8], isCompressed: Bool, contentByteCount: Int) {
        self.bytes = bytes
        self.isCompressed = isCompressed
        self.contentByteCount = contentByteCount
    }

    /// One that a `FrameReader` delivered with `header`.
    public init(_ header: FrameHeader, _ bytes: UnsafeRawBufferPointer) {
        self.init(
            bytes: Array(bytes), isCompressed: header.isCompressed,
            contentByteCount: header.isCompressed ? Self.declaredByteCount(bytes) : bytes.count)
    }

    // MARK: Compressing

    /// The same content compressed, when that saves an eighth at least and there is enough of it; else itself.
    public func compressed(by compression: FrameCompression?) -> FramePayload {
        guard compression == .lz4, !isCompressed, bytes.count >= Self.compressedByteCountMin,
            let count = UInt32(exactly: bytes.count)
        else { return self }
        let packed = [UInt8](unsafeUninitializedCapacity: bytes.count - bytes.count / 8) { target, used in
            let target = UnsafeMutableRawBufferPointer(target)
            target.storeBytes(of: count.littleEndian, as: UInt32.self)
            let written = bytes.withUnsafeBytes {
                BlockCompression(high: false).compress(
                    $0, into: UnsafeMutableRawBufferPointer(rebasing: target[Self.lengthByteCount...]))
            }
            used = written == 0 ? 0 : Self.lengthByteCount + written
        }
        return packed.isEmpty
            ? self : FramePayload(bytes: packed, isCompressed: true, contentByteCount: contentByteCount)
    }

    // MARK: Decompressing

    /// The length that a compressed payload says; 0 when it is too short to say one.
    private static func declaredByteCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count > lengthByteCount else { return 0 }
        return Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
    }

    /// Checks what a compressed payload says of its content before anything is allocated for it: it is not longer than is
    /// accepted, than a block of this length can become, or as short as the payload itself.
    static func check(compressed bytes: UnsafeRawBufferPointer, _ limits: FrameLimits) throws(WireError) {
        let declared = declaredByteCount(bytes)
        try limits.check(length: declared)
        guard declared > bytes.count,
            declared <= BlockCompression.contentByteCountMax(ofBlock: bytes.count - lengthByteCount)
        else { throw .badCompression(declared: declared, byteCount: bytes.count) }
    }

    /// The content, on the calling thread; throws `invalidArgument` when the block is damaged or makes more or less than
    /// the length it says.
    public func content() throws(SakuinError) -> [UInt8] {
        if !isCompressed { return bytes }
        let count = contentByteCount
        // Zeros, since liblz4 lets matches at offset 0 through, which show what stood there before.
        var content = [UInt8](repeating: 0, count: count)
        let isWhole = content.withUnsafeMutableBytes { target in
            bytes.withUnsafeBytes { bytes in
                guard bytes.count > Self.lengthByteCount, let start = target.baseAddress else { return false }
                return BlockCompression.decompress(
                    UnsafeRawBufferPointer(rebasing: bytes[Self.lengthByteCount...]), into: start, count: count,
                    wanted: count)
            }
        }
        if !isWhole {
            throw .invalid("The payload does not decompress to the length it says.", field: "payload", value: count)
        }
        return content
    }

    /// What `decode` makes of the content.
    public func decoded<R>(
        _ decode: (UnsafeRawBufferPointer) throws(SakuinError) -> R
    ) throws(SakuinError) -> R {
        let result: Result<R, SakuinError> = try content().withUnsafeBytes { content in
            do throws(SakuinError) {
                return .success(try decode(content))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
