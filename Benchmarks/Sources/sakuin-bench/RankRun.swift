// `--rank`: questions answered by the OR of their bigrams, as a TREC run.

import Foundation
import SakuinEngine
import SakuinTypes

struct RankRun {
    let arguments: Arguments
    let index: SearchIndex

    /// The object `rank` of the answer.
    func run(_ path: String, to output: String) throws -> [String: Any] {
        var lines = ""
        var count = 0
        let began = ContinuousClock.now
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard columns.count > 1 else { continue }
            count += 1
            let request = QueryRun.request(String(columns[1]), mode: "bag", top: arguments.top, counts: false)
            for (rank, hit) in try index.searchNow(request).hits.enumerated() {
                lines += "\(columns[0]) Q0 \(hit.key) \(rank + 1) \(hit.score) sakuin\n"
            }
        }
        let seconds = began.secondsToNow
        try lines.write(toFile: output, atomically: true, encoding: .utf8)
        return ["queries": count, "seconds": seconds]
    }
}
