// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "xkafka-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "xkafka", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.8.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibrdkafka", pkgConfig: "rdkafka"),
        // What the library is compared with: loops over librdkafka in C, which do the same work.
        .target(name: "RawClient", dependencies: ["CLibrdkafka"]),
        .executableTarget(
            name: "xkafka-bench",
            dependencies: [
                "RawClient",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "XKafka", package: "xkafka"),
                .product(name: "XKafkaTesting", package: "xkafka"),
            ]
        ),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    ]
}
