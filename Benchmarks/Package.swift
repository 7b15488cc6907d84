// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "sakuin-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "sakuin", path: "..")],
    targets: [
        .executableTarget(
            name: "sakuin-bench",
            dependencies: [
                .product(name: "SakuinEngine", package: "sakuin"), .product(name: "SakuinTypes", package: "sakuin"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]),
        .executableTarget(
            name: "sakuin-mergesim",
            dependencies: [.product(name: "SakuinEngine", package: "sakuin")],
            swiftSettings: [.swiftLanguageMode(.v6)]),
        .executableTarget(
            name: "sakuin-micro",
            dependencies: [
                .product(name: "SakuinEngine", package: "sakuin"), .product(name: "SakuinTypes", package: "sakuin"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]),
    ]
)
