import CLZ4

/// LZ4 of whole blocks, for stored documents and for frames; the only file that calls liblz4. Not for two threads at once.
public final class BlockCompression {
    /// On CJK text levels above compress no better (DESIGN §8).
    private static let highLevel: Int32 = 4
    /// As far as LZ4 looks back: of a dictionary no more is used.
    public static let dictionaryByteCountMax = 64 << 10

    private let isHigh: Bool
    /// What LZ4 works in, made once.
    private let state: UnsafeMutableRawPointer
    private let dictionary: Dictionary?

    /// `high`: the high-compression mode.
    public init(high: Bool) {
        isHigh = high
        dictionary = nil
        state = .allocate(byteCount: Int(high ? LZ4_sizeofStateHC() : LZ4_sizeofState()), alignment: 16)
    }

    /// The high-compression mode, in which blocks may repeat what stands in `dictionary`; reading them takes the same one.
    public init(dictionary: [UInt8]) {
        isHigh = true
        self.dictionary = dictionary.isEmpty ? nil : Dictionary(dictionary)
        state = .allocate(byteCount: Int(LZ4_sizeofStateHC()), alignment: 16)
    }

    deinit { state.deallocate() }

    /// A dictionary, and the state of LZ4 after it has read it: copied for each block, since the call that refers to one
    /// (`LZ4_attach_HC_dictionary`) is not in the shared library.
    private final class Dictionary {
        private let bytes: UnsafeMutablePointer<CChar>
        private let stateByteCount = Int(LZ4_sizeofStateHC())
        private let state: UnsafeMutableRawPointer

        init(_ dictionary: [UInt8]) {
            let used = dictionary.suffix(dictionaryByteCountMax)
            bytes = .allocate(capacity: used.count)
            for (place, byte) in used.enumerated() { bytes[place] = CChar(bitPattern: byte) }
            state = .allocate(byteCount: stateByteCount, alignment: 16)
            let stream = LZ4_initStreamHC(state, stateByteCount)
            LZ4_resetStreamHC_fast(stream, highLevel)
            LZ4_loadDictHC(stream, bytes, Int32(used.count))
        }

        deinit {
            bytes.deallocate()
            state.deallocate()
        }

        func copyState(to target: UnsafeMutableRawPointer) -> UnsafeMutablePointer<LZ4_streamHC_t> {
            target.copyMemory(from: state, byteCount: stateByteCount)
            return target.assumingMemoryBound(to: LZ4_streamHC_t.self)
        }
    }

    /// Writes the compressed bytes to `target` and returns how many they are; 0 when `target` has no room for them. What is
    /// behind them in `target` may have been written over.
    public func compress(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int {
        guard let source = bytes.baseAddress, let out = target.baseAddress, bytes.count <= Int(LZ4_MAX_INPUT_SIZE)
        else {
            return 0
        }
        let (count, limit) = (Int32(bytes.count), Int32(clamping: target.count))
        let written =
            if let dictionary {
                LZ4_compress_HC_continue(dictionary.copyState(to: state), source, out, count, limit)
            } else if isHigh {
                LZ4_compress_HC_extStateHC(state, source, out, count, limit, Self.highLevel)
            } else {
                LZ4_compress_fast_extState(state, source, out, count, limit, 1)
            }
        return Int(max(written, 0))
    }

    /// Decompresses the first `wanted` of `count` bytes to `target`, which has room for `count`; false when there are
    /// not so many. With `wanted == count` the block has to end there. `dictionary` is that of who compressed it. Safe on
    /// hostile bytes.
    public static func decompress(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer, count: Int, wanted: Int,
        dictionary: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) -> Bool {
        guard let source = bytes.baseAddress, let size = Int32(exactly: bytes.count), let whole = Int32(exactly: count),
            let part = Int32(exactly: wanted), part <= whole
        else { return false }
        if let words = dictionary.baseAddress, let wordBytes = Int32(exactly: dictionary.count) {
            if part == whole {
                return LZ4_decompress_safe_usingDict(source, target, size, whole, words, wordBytes) == whole
            }
            return LZ4_decompress_safe_partial_usingDict(source, target, size, part, whole, words, wordBytes) >= part
        }
        if part == whole { return LZ4_decompress_safe(source, target, size, whole) == whole }
        return LZ4_decompress_safe_partial(source, target, size, part, whole) >= part
    }

    /// The most that a block of so many bytes can become: a byte of a length stands for 255 at most.
    public static func contentByteCountMax(ofBlock byteCount: Int) -> Int {
        let (most, isTooMuch) = byteCount.multipliedReportingOverflow(by: 255)
        return isTooMuch ? .max : most
    }
}
