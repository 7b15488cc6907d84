// What is fuzzed: every parser of bytes that come from outside, and what is promised of it.
//
// `make fuzz` runs these under libFuzzer with AddressSanitizer (Run/), `make test` on their seeds, on cases that were found
// before (FailCases/) and on some changed seeds (Replay/). A trap, a bad access and a broken promise are found alike.

import SakuinTypes

@testable import SakuinEngine

/// One parser under test.
struct FuzzTarget: Sendable {
    let name: String
    /// Inputs that get through, to begin with.
    let seeds: @Sendable () -> [[UInt8]]
    /// Takes any bytes; says which promise they break, nil when none.
    let run: @Sendable (UnsafeRawBufferPointer) -> String?

    static let all: [FuzzTarget] = [
        .frames, .listings, .messages, .requests, .json, .queries, .largeQueries, .bounds, .texts, .segments, .journals,
        .indexFiles, .tokenFiles,
    ]

    /// Breaks its promise on purpose: a fuzzer that does not find it finds nothing.
    static let canary = FuzzTarget(
        name: "canary", seeds: { [Array("cage".utf8)] },
        run: { bytes in bytes.starts(with: Array("bird".utf8)) ? "the canary is out of its cage" : nil })

    /// With what something was refused, which breaks no promise; nil for any other error.
    static func refusal(_ error: any Error) -> SakuinError? {
        if case .refused(let refusal)? = error as? SearchError { return refusal }
        return error as? SakuinError
    }

    static func named(_ name: String) -> FuzzTarget? { (all + [canary]).first { $0.name == name } }
}
