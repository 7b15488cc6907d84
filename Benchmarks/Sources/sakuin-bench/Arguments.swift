/// The command line of the bench contract: flags in pairs, in any order.
struct Arguments {
    var corpus: String?
    var queries: String?
    var rank: String?
    var run: String?
    var index = ""
    var top = 10
    var threads = 1
    var warmupSeconds = 1.0
    var warmupPassesMax = 200
    /// Beyond the contract: how long queries are asked before the first group is warmed up.
    var startUpSeconds = 1.0
    var passes = 7
    var budgetSeconds = 4.0
    var kinds: Set<String>?
    /// Of `count`, `top10`, `top10count`, `stored` and `highlighted`; and of `phrase`, `and`, `or` and `bag`. Beyond the
    /// contract, to profile one.
    var operations: Set<String>?
    var modes: Set<String>?
    /// Whether the index that is built is a compact one.
    var isCompact = false
    /// Whether queries find all variants of their characters.
    var findsVariants = false

    /// What cannot be understood, in one line.
    struct Failure: Error { let message: String }

    init(_ words: [String]) throws(Failure) {
        guard words.count % 2 == 0 else { throw Failure(message: "'\(words[words.count - 1])' has no value") }
        for i in stride(from: 0, to: words.count, by: 2) { try set(words[i], words[i + 1]) }
        if index.isEmpty { throw Failure(message: "--index DIR is missing") }
        guard [corpus, queries, rank].contains(where: { $0 != nil }) else {
            throw Failure(message: "one of --corpus, --queries and --rank is needed")
        }
        if rank != nil, run == nil { throw Failure(message: "--rank needs --run FILE") }
    }

    private mutating func set(_ flag: String, _ value: String) throws(Failure) {
        switch flag {
        case "--corpus": corpus = value
        case "--queries": queries = value
        case "--rank": rank = value
        case "--run": run = value
        case "--index": index = value
        case "--kinds": kinds = Self.names(value)
        case "--ops": operations = Self.names(value)
        case "--modes": modes = Self.names(value)
        case "--top": top = try number(flag, value, from: 1)
        case "--threads": threads = try number(flag, value, from: 1)
        case "--passes": passes = try number(flag, value, from: 1)
        case "--max-warmup-passes": warmupPassesMax = try number(flag, value, from: 0)
        case "--warmup-s": warmupSeconds = try seconds(flag, value)
        case "--startup-s": startUpSeconds = try seconds(flag, value)
        case "--compact": isCompact = try yesOrNo(flag, value)
        case "--variants": findsVariants = try yesOrNo(flag, value)
        case "--budget-s": budgetSeconds = try seconds(flag, value)
        default: throw Failure(message: "unknown flag '\(flag)' (there is no --set for this engine)")
        }
    }

    private static func names(_ value: String) -> Set<String> {
        Set(value.split(separator: ",").map(String.init))
    }

    private func number(_ flag: String, _ value: String, from least: Int) throws(Failure) -> Int {
        guard let number = Int(value), number >= least, number <= 1_000_000 else {
            throw Failure(message: "\(flag) takes a number from \(least) to 1000000, not '\(value)'")
        }
        return number
    }

    private func yesOrNo(_ flag: String, _ value: String) throws(Failure) -> Bool {
        guard ["yes", "no"].contains(value) else { throw Failure(message: "\(flag) takes yes or no, not '\(value)'") }
        return value == "yes"
    }

    private func seconds(_ flag: String, _ value: String) throws(Failure) -> Double {
        guard let seconds = Double(value), seconds >= 0, seconds.isFinite else {
            throw Failure(message: "\(flag) takes seconds, not '\(value)'")
        }
        return seconds
    }
}
