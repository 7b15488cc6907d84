/// A phrase of the plan that scores: by what, over the whole snapshot.
struct WeightedPhrase {
    let number: Int
    let weight: Float
    let model: BM25
}

/// What a leaf of the query gives to a document: its weight (boost and inverse document frequency) and the BM25 part of
/// its frequency there.
struct LeafScore {
    let weight: Float
    private let model: BM25
    /// Length codes of the field by document; the segment that has them outlives the search.
    private let norms: UnsafePointer<UInt8>

    init(weight: Float, model: BM25, norms: UnsafePointer<UInt8>) {
        self.weight = weight
        self.model = model
        self.norms = norms
    }

    /// Whether a higher frequency or a shorter length always gives a higher score.
    var isStrict: Bool { model.isStrict && weight > 0 }

    @inline(__always)
    func score(_ frequency: UInt32, _ document: UInt32) -> Double {
        Double(weight * model.termFrequencyPart(frequency, norms[Int(document)]))
    }

    /// The most a document of such a block can get; the frequency `.max` stands for any.
    @inline(__always)
    func bound(_ block: (frequency: UInt32, lengthCode: UInt8)) -> Double {
        block.frequency == .max
            ? Double(weight) : Double(weight * model.termFrequencyPart(block.frequency, block.lengthCode))
    }
}
