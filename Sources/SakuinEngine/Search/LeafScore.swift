/// A phrase of the plan that scores: by what, over the whole snapshot.
struct WeightedPhrase {
    let number: Int
    let weight: Float
    let model: BM25

    /// That of a phrase among some, which are in order.
    static func find(_ number: Int, in leaves: [WeightedPhrase]) -> WeightedPhrase? {
        let place = BlockSearch.firstPlace(from: 0, to: leaves.count) { leaves[$0].number < number }
        return place < leaves.count && leaves[place].number == number ? leaves[place] : nil
    }
}

/// What a leaf of the query gives to a document: its weight (boost and inverse document frequency) and the BM25 part of
/// its frequency there.
struct LeafScore {
    let weight: Float
    /// Whether a higher frequency or a shorter length always gives a higher score.
    let isStrict: Bool
    /// The model's table; the snapshot's models outlive the search, and a copy of this retains nothing.
    private let saturation: UnsafePointer<Float>
    private let parts: UnsafePointer<Float>
    /// Length codes of the field by document; the segment that has them outlives the search.
    private let norms: UnsafePointer<UInt8>

    init(weight: Float, model: BM25, norms: UnsafePointer<UInt8>) {
        self.weight = weight
        self.norms = norms
        saturation = model.saturationByLengthCode
        parts = model.partByFrequency
        isStrict = model.isStrict && weight > 0
    }

    @inline(__always)
    private func part(_ frequency: UInt32, _ lengthCode: UInt8) -> Float {
        if frequency < UInt32(BM25.tabledFrequencyCount) { return parts[Int(frequency) &<< 8 | Int(lengthCode)] }
        let tf = Float(frequency)
        return tf / (tf + saturation[Int(lengthCode)])
    }

    @inline(__always)
    func score(_ frequency: UInt32, _ document: UInt32) -> Double {
        Double(weight * part(frequency, norms[Int(document)]))
    }

    /// The most a document of such a block can get; the frequency `.max` stands for any.
    @inline(__always)
    func bound(_ block: (frequency: UInt32, lengthCode: UInt8)) -> Double {
        block.frequency == .max
            ? Double(weight) : Double(weight * part(block.frequency, block.lengthCode))
    }
}
