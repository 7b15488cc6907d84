// The merge policy over sizes alone, up to ten thousand million documents: one line of tab-separated values a sample.
//
//     swift run -c release --package-path Benchmarks sakuin-mergesim [DOCUMENTS]

import Foundation
@_spi(Benchmarks) import SakuinEngine

@main
struct MergeSimulator {
    /// Bytes of index for a document of about 1.4 kB of text.
    private static let bytesPerDocument = 1_700.0
    /// A lane's chunk.
    private static let flushByteCount = 64.0e6

    static func main() {
        let documents = CommandLine.arguments.count > 1 ? Double(CommandLine.arguments[1]) ?? 1e10 : 1e10
        print("set-up\treplaced\tdocuments\tsegments\twrite amplification\tdead share\tlargest MB")
        for replaced in [0.0, 0.3] {
            run("sakuin", MergeSimulation.Parameters(), replaced, documents)
            run("tiered", tiered, replaced, documents)
        }
    }

    /// The defaults of Lucene's TieredMergePolicy in the terms of this policy.
    private static var tiered: MergeSimulation.Parameters {
        var parameters = MergeSimulation.Parameters()
        parameters.segmentsPerTier = 8
        parameters.floorByteCount = 16 << 20
        parameters.segmentByteCountMax = 5 << 30
        parameters.largestCount = 0
        // deletesPctAllowed
        parameters.deadShareOfIndexMax = 0.2
        return parameters
    }

    private static func run(
        _ name: String, _ parameters: MergeSimulation.Parameters, _ replaced: Double, _ documents: Double
    ) {
        var simulation = MergeSimulation(parameters, bytesPerDocument: bytesPerDocument)
        var written = 0.0
        var next = 1e5
        while written < documents {
            simulation.flush(documents: flushByteCount / bytesPerDocument, replacing: replaced)
            written += flushByteCount / bytesPerDocument
            guard written >= next || written >= documents else { continue }
            let s = simulation.sample
            print(
                String(
                    format: "%@\t%.2f\t%.4g\t%d\t%.2f\t%.4f\t%.0f", name, replaced, written, s.segments,
                    s.writeAmplification, s.deadShare, Double(s.largestByteCount) / 1e6))
            next *= 1.33
        }
    }
}
