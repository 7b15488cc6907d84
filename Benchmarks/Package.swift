// swift-tools-version: 6.2
import PackageDescription

let engine: [Target.Dependency] = [
    .product(name: "SakuinEngine", package: "sakuin"), .product(name: "SakuinTypes", package: "sakuin"),
]

let package = Package(
    name: "sakuin-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "sakuin", path: ".."),
        // No traits: its interposers count allocations and reference counts, which slows down what is measured.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "sakuin-bench", dependencies: engine, swiftSettings: [.swiftLanguageMode(.v6)]),
        .executableTarget(
            name: "sakuin-mergesim", dependencies: engine, swiftSettings: [.swiftLanguageMode(.v6)]),
        .executableTarget(
            name: "SakuinMicro",
            dependencies: engine + [
                .product(name: "SakuinProtocol", package: "sakuin"), .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/SakuinMicro", swiftSettings: [.swiftLanguageMode(.v6)],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
