/// The fixed header of a frame: 12 bytes, little-endian.
///
///     offset  0   u32  bytes of payload
///     offset  4   u8   type
///     offset  5   u8   flags
///     offset  6   u16  magic 0x4B53, "SK"
///     offset  8   u32  stream
public struct FrameHeader: Sendable, Hashable {
    public static let byteCount = 12
    public static let magic: UInt16 = 0x4B53
    /// Longer payloads are refused by everyone, whatever the handshake says.
    public static let payloadByteCountMax = 64 << 20
    /// Before the handshake is done payloads are this short.
    public static let handshakeByteCountMax = 4 << 10

    public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// Client, stream 0, first: `Hello`.
        case hello = 1
        /// Server, stream 0: `Welcome`.
        case welcome = 2
        /// Client, opens a stream: `Request`.
        case request = 3
        /// Server, ends a stream: `Reply`.
        case reply = 4
        /// Server, ends a stream (stream 0: the connection): `Status`.
        case error = 5
        /// One message of a streaming call, either way.
        case data = 6
        /// Gives back credit of a stream: u32 bytes.
        case credit = 7
        /// Client, gives a stream up. No payload.
        case cancel = 8
        /// Either side, stream 0: up to 32 bytes that come back in a pong.
        case ping = 9
        case pong = 10
        /// Server, stream 0: no new streams; `Status` with the reason.
        case goAway = 11
    }

    /// Set on the last DATA frame of the sender on a stream.
    public static let endFlag: UInt8 = 1
    /// Set when the payload is compressed (`FramePayload`), by what the handshake said.
    public static let compressedFlag: UInt8 = 2

    public var length: Int
    public var kind: Kind
    public var flags: UInt8
    public var stream: UInt32

    public init(length: Int, kind: Kind, flags: UInt8 = 0, stream: UInt32) {
        self.length = length
        self.kind = kind
        self.flags = flags
        self.stream = stream
    }

    public var isEnd: Bool { flags & Self.endFlag != 0 }
    public var isCompressed: Bool { flags & Self.compressedFlag != 0 }

    /// Reads a header from its 12 bytes; throws what breaks the contract before anything is allocated for the payload.
    public init(_ bytes: UnsafeRawBufferPointer, limits: FrameLimits) throws(WireError) {
        guard bytes.count >= Self.byteCount else { throw .truncated }
        let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        guard UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)) == Self.magic else {
            throw .badMagic
        }
        guard let kind = Kind(rawValue: bytes[4]) else { throw .unknownType(bytes[4]) }
        try limits.check(length: Int(length))
        let flags = bytes[5]
        guard flags & ~limits.flags(of: kind) == 0 else { throw .unknownFlags(flags) }
        let stream = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard (stream == 0) == kind.isConnectionWide || kind == .error else {
            throw .wrongStream(kind: kind.rawValue, stream: stream)
        }
        self.init(length: Int(length), kind: kind, flags: flags, stream: stream)
    }

    /// Writes the 12 bytes; returns how many, none where there is no room for them.
    public func write(to out: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = out.baseAddress, out.count >= Self.byteCount else { return 0 }
        write(to: base)
        return Self.byteCount
    }

    private func write(to out: UnsafeMutableRawPointer) {
        out.storeBytes(of: UInt32(length).littleEndian, as: UInt32.self)
        out.storeBytes(of: kind.rawValue, toByteOffset: 4, as: UInt8.self)
        out.storeBytes(of: flags, toByteOffset: 5, as: UInt8.self)
        out.storeBytes(of: Self.magic.littleEndian, toByteOffset: 6, as: UInt16.self)
        out.storeBytes(of: stream.littleEndian, toByteOffset: 8, as: UInt32.self)
    }

    /// A whole frame.
    public static func frame(_ kind: Kind, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount + payload.count)
        bytes.withUnsafeMutableBytes { out in
            guard let base = out.baseAddress else { return }
            FrameHeader(length: payload.count, kind: kind, flags: flags, stream: stream).write(to: base)
        }
        bytes.replaceSubrange(byteCount..., with: payload)
        return bytes
    }
}

/// What a side accepts now.
public struct FrameLimits: Sendable, Hashable {
    /// The longest payload, decompressed.
    public var lengthMax: Int
    /// What payloads may be compressed by; nil: they may not.
    public var compression: FrameCompression?

    public init(lengthMax: Int, compression: FrameCompression? = nil) {
        self.lengthMax = lengthMax
        self.compression = compression
    }

    /// Throws for a payload that is too long, as it is or decompressed.
    func check(length: Int) throws(WireError) {
        let limit = min(lengthMax, FrameHeader.payloadByteCountMax)
        guard length <= limit else { throw .tooLong(length: length, limit: limit) }
    }

    /// The flags that a frame may have.
    func flags(of kind: FrameHeader.Kind) -> UInt8 {
        let compressed = compression == nil ? 0 : FrameHeader.compressedFlag
        return switch kind {
        case .data: FrameHeader.endFlag | compressed
        case .request, .reply: compressed
        case .hello, .welcome, .error, .credit, .cancel, .ping, .pong, .goAway: 0
        }
    }
}

extension FrameHeader.Kind {
    /// Frames that belong to the connection stand on stream 0; an error may be either.
    var isConnectionWide: Bool {
        switch self {
        case .hello, .welcome, .ping, .pong, .goAway: true
        case .request, .reply, .error, .data, .credit, .cancel: false
        }
    }
}
