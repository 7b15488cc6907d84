// swift-tools-version: 6.2
import PackageDescription

/// With SAKUIN_OPTIMISED_TESTS=1 (`make test`) debug builds are optimised, assertions kept: tests take a fifth of the time.
/// Not without it, for no package can depend on one with unsafe flags.
let optimised: [SwiftSetting] =
    Context.environment["SAKUIN_OPTIMISED_TESTS"] == "1"
    ? [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))] : []

let strict: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + optimised

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHelpers: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

/// With SAKUIN_FUZZ set the fuzz targets are a program for libFuzzer, else tests; see Scripts/fuzz.sh.
let fuzzDependencies: [Target.Dependency] = [
    "SakuinEngine", "SakuinAccess", "SakuinProtocol", "SakuinTypes", "SakuinTestSupport",
]
let fuzzing: [Target] =
    Context.environment["SAKUIN_FUZZ"] == nil
    ? [
        .testTarget(
            name: "FuzzTests", dependencies: fuzzDependencies, path: "Tests/Fuzz", exclude: ["Run", "FailCases"],
            sources: ["Targets", "Replay"], swiftSettings: strict)
    ]
    : [
        .executableTarget(
            name: "sakuin-fuzz", dependencies: fuzzDependencies, path: "Tests/Fuzz",
            exclude: ["Replay", "FailCases"], sources: ["Targets", "Run"],
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
    ]

let package = Package(
    name: "sakuin",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "SakuinTypes", targets: ["SakuinTypes"]),
        .library(name: "SakuinEngine", targets: ["SakuinEngine"]),
        .library(name: "SakuinProtocol", targets: ["SakuinProtocol"]),
        .library(name: "SakuinAccess", targets: ["SakuinAccess"]),
        .library(name: "SakuinClient", targets: ["SakuinClient"]),
        .library(name: "SakuinServer", targets: ["SakuinServer"]),
        .executable(name: "sakuind", targets: ["SakuinDaemon"]),
        .executable(name: "sakuin", targets: ["SakuinCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
        .systemLibrary(name: "CPrefetch"),
        .target(name: "SakuinTypes", swiftSettings: strict),
        .target(name: "SakuinCompression", dependencies: ["CLZ4"], swiftSettings: strict),
        .target(
            name: "SakuinEngine", dependencies: ["SakuinTypes", "SakuinCompression", "CPrefetch"],
            swiftSettings: strict),
        .target(
            name: "SakuinProtocol", dependencies: ["SakuinTypes", "SakuinCompression", protobuf], swiftSettings: strict),
        .target(name: "SakuinAccess", dependencies: ["SakuinTypes", crypto, nioCore, nioTLS], swiftSettings: strict),
        .target(
            name: "SakuinClient",
            dependencies: [
                "SakuinTypes", "SakuinAccess", "SakuinProtocol", nioCore, nioPosix, nioHelpers,
            ],
            swiftSettings: strict),
        .target(
            name: "SakuinServer",
            dependencies: [
                "SakuinTypes", "SakuinAccess", "SakuinEngine", "SakuinProtocol", nioCore, nioPosix, nioHelpers,
                nioHTTP, logging, metrics, lifecycle,
            ], swiftSettings: strict),
        .target(name: "SakuinProgram", dependencies: ["SakuinTypes", argumentParser], swiftSettings: strict),
        .executableTarget(
            name: "SakuinDaemon",
            dependencies: [
                "SakuinTypes", "SakuinAccess", "SakuinServer", "SakuinEngine", "SakuinProgram", argumentParser, logging,
                lifecycle, signals,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "SakuinCLI",
            dependencies: [
                "SakuinTypes", "SakuinAccess", "SakuinProtocol", "SakuinClient", "SakuinEngine", "SakuinProgram",
                argumentParser, histogram, logging,
            ],
            swiftSettings: strict),

        .target(
            name: "SakuinTestSupport", dependencies: ["SakuinTypes", "SakuinEngine"],
            path: "Tests/SakuinTestSupport", swiftSettings: strict),
        .testTarget(name: "SakuinTypesTests", dependencies: ["SakuinTypes"], swiftSettings: strict),
        .testTarget(
            name: "SakuinEngineTests", dependencies: ["SakuinEngine", "SakuinTypes", "SakuinTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "SakuinProtocolTests", dependencies: ["SakuinProtocol", "SakuinTypes"], swiftSettings: strict),
        .testTarget(
            name: "SakuinServerTests",
            dependencies: [
                "SakuinServer", "SakuinClient", "SakuinAccess", "SakuinEngine", "SakuinProtocol", "SakuinTypes",
                "SakuinTestSupport", nioCore, nioPosix, nioEmbedded, logging, metrics,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SakuinAccessTests", dependencies: ["SakuinAccess", "SakuinTypes", "SakuinTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "SakuinCLITests", dependencies: ["SakuinCLI", "SakuinProgram", "SakuinTypes", argumentParser],
            swiftSettings: strict),
        .testTarget(
            name: "SakuinDaemonTests",
            dependencies: [
                "SakuinDaemon", "SakuinAccess", "SakuinEngine", "SakuinTypes", "SakuinTestSupport", argumentParser,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["SakuinTypes", "SakuinProtocol", "SakuinTestSupport", nioCore, nioPosix, nioHelpers],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ] + fuzzing
)
