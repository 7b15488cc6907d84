import Synchronization

/// BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) of one field over one snapshot.
///
/// score = boost × idf × tf / (tf + k1 × (1 − b + b × length / average length)); the constant factor k1 + 1 is left
/// out, since it changes no order.
final class BM25: Sendable {
    /// k1 × (1 − b + b × length / average) by length code. Filled in the initialiser, never written afterwards, freed in
    /// deinit.
    private nonisolated(unsafe) let saturation: UnsafeMutablePointer<Float>
    /// tf / (tf + saturation) by frequency below `tabledFrequencyCount` and length code; as `saturation`.
    private nonisolated(unsafe) let parts: UnsafeMutablePointer<Float>
    private let documentCount: Double
    /// Whether both parameters make a difference that single precision can tell.
    let isStrict: Bool

    init(k1: Float, b: Float, statistics: FieldStatistics) {
        saturation = .allocate(capacity: 256)
        documentCount = Double(max(statistics.documentCount, 1))
        isStrict = k1 >= 0.01 && b >= 0.01
        let average = max(Float(statistics.lengthSum) / Float(max(statistics.documentCount, 1)), 1e-9)
        for code in 0..<256 {
            let length = Float(LengthCode.decode(UInt8(code)))
            saturation[code] = k1 * (1 - b + b * length / average)
        }
        parts = .allocate(capacity: Self.tabledFrequencyCount << 8)
        for frequency in 0..<Self.tabledFrequencyCount {
            for code in 0..<256 {
                let tf = Float(max(frequency, 1))
                parts[frequency << 8 | code] = tf / (tf + saturation[code])
            }
        }
    }

    deinit {
        saturation.deallocate()
        parts.deallocate()
    }

    /// Frequencies below this are nearly all; what they give is looked up.
    static let tabledFrequencyCount = 8

    /// Inverse document frequency, ln(1 + (N − df + 0.5) / (df + 0.5)); never below 0.
    func inverseDocumentFrequency(_ documentFrequency: Int) -> Float {
        let df = Double(documentFrequency)
        let n = max(documentCount, df)
        return Float(Logarithm.natural(1 + (n - df + 0.5) / (df + 0.5)))
    }

    /// What is added to a frequency tf in tf / (tf + …), by length code; valid as long as the model.
    var saturationByLengthCode: UnsafePointer<Float> { UnsafePointer(saturation) }

    /// tf / (tf + …) by 256 × frequency + length code for the frequencies 1..<tabledFrequencyCount; valid as long as the
    /// model.
    var partByFrequency: UnsafePointer<Float> { UnsafePointer(parts) }
}

/// The natural logarithm without a math library: atanh series on the mantissa; exact to about 1e-15.
enum Logarithm {
    static func natural(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 0 }
        var mantissa = value.significand
        var exponent = Double(value.exponent)
        if mantissa > 1.414_213_562_373_095_1 {
            mantissa /= 2
            exponent += 1
        }
        let t = (mantissa - 1) / (mantissa + 1)
        let square = t * t
        var term = t
        var sum = 0.0
        var divisor = 1.0
        while divisor < 40 {
            sum += term / divisor
            term *= square
            divisor += 2
        }
        return 2 * sum + exponent * 0.693_147_180_559_945_3
    }
}

/// The models of one snapshot by field, made when they are first needed.
final class ScoreModels: Sendable {
    private let models = Mutex<[BM25?]>([])

    init() {}

    func model(_ field: Int, _ make: () -> BM25) -> BM25 {
        models.withLock { models in
            if field < models.count, let model = models[field] { return model }
            let model = make()
            while models.count <= field { models.append(nil) }
            models[field] = model
            return model
        }
    }
}
