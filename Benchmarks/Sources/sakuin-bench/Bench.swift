// sakuin-bench: the engine in process under the bench contract; one JSON object goes to standard output.

import Foundation
import SakuinEngine

@main
struct Bench {
    static func main() async {
        do {
            let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
            // As sakuind does, but for buffers that are asked for again and again while a chunk is sealed.
            ProcessAllocator.giveBackWhatIsFreed(from: 1 << 20)
            var answer: [String: Any] = ["engine": "sakuin", "version": "0.1.0"]
            if let corpus = arguments.corpus { answer["build"] = try await BuildRun(arguments: arguments).run(corpus) }
            if arguments.queries != nil || arguments.rank != nil {
                let index = try SearchIndex.open(path: arguments.index)
                if let queries = arguments.queries {
                    answer["query"] = try QueryRun(arguments: arguments, index: index).run(queries)
                }
                if let rank = arguments.rank, let output = arguments.run {
                    answer["rank"] = try RankRun(arguments: arguments, index: index).run(rank, to: output)
                }
                try index.close()
            }
            FileHandle.standardOutput.write(try JSONSerialization.data(withJSONObject: answer))
        } catch let failure as Arguments.Failure {
            fail(failure.message, 2)
        } catch {
            fail("\(error)", 1)
        }
    }

    private static func fail(_ message: String, _ code: Int32) -> Never {
        FileHandle.standardError.write(Data("sakuin-bench: \(message)\n".utf8))
        exit(code)
    }
}
