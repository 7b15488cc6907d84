// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "Embedded",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "sakuin", path: "../..")],
    targets: [
        .executableTarget(
            name: "Embedded",
            dependencies: [
                .product(name: "SakuinEngine", package: "sakuin"), .product(name: "SakuinClient", package: "sakuin"),
            ])
    ])
