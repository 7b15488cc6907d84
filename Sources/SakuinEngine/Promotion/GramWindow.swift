/// The numbers of the frequent grams of some consecutive documents, each at the place of its first character.
///
/// Characters stand two positions apart, so the one at position p has place p / 2, and two grams at places next to each
/// other overlap in all but a character. Behind each document a place stays empty, so that none is beside one of the next.
struct GramWindow: ~Copyable {
    /// By place; 0 where no frequent gram begins.
    private(set) var codes = CodeBuffer()
    /// By document of the window where its places begin; then the end.
    private(set) var starts = CodeBuffer()
    private(set) var documents = 0..<0
    private let placeCountMax: Int
    /// Bytes of a place.
    static let placeByteCount = 4

    /// A window has at most so many places, or one document.
    init(placeCountMax: Int) { self.placeCountMax = placeCountMax }

    /// Places of a document with this length code: what the longest with it has, and an empty one.
    static func placeCount(_ lengthCode: UInt8) -> Int {
        Int(LengthCode.decode(lengthCode == .max ? .max : lengthCode + 1)) + 1
    }

    /// Places of the longest of the documents.
    static func longest(_ norms: UnsafePointer<UInt8>, documentCount: Int) -> Int {
        var code: UInt8 = 0
        for document in 0..<documentCount { code = max(code, norms[document]) }
        return placeCount(code)
    }

    /// Goes to the documents from `first` on, of which `norms` are the length codes, and empties all places; false at the
    /// end.
    mutating func begin(at first: Int, _ norms: UnsafePointer<UInt8>, documentCount: Int) -> Bool {
        if first >= documentCount { return false }
        starts.removeAll()
        starts.append(0)
        var (end, places) = (first, 0)
        while end < documentCount {
            let more = Self.placeCount(norms[end])
            if places + more > placeCountMax, end > first { break }
            places += more
            end += 1
            starts.append(UInt32(truncatingIfNeeded: places))
        }
        documents = first..<end
        codes.resize(places)
        codes.values.update(repeating: 0, count: places)
        return true
    }

    /// Puts a gram where it begins in one of the documents; false when the document is shorter.
    @inline(__always)
    func put(_ number: UInt32, _ document: UInt32, _ position: UInt32) -> Bool {
        let at = Int(document) &- documents.lowerBound
        let place = Int(starts.values[at]) &+ Int(position &>> 1)
        guard place &+ 1 < Int(starts.values[at &+ 1]) else { return false }
        codes.values[place] = number
        return true
    }
}
