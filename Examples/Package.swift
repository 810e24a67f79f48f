// swift-tools-version: 6.2
import PackageDescription

let exampleDependencies: [Target.Dependency] = [
    "ExampleSupport",
    .product(name: "ArgumentParser", package: "swift-argument-parser"),
    .product(name: "Logging", package: "swift-log"),
    .product(name: "XKafka", package: "xkafka"),
]

let package = Package(
    name: "xkafka-examples",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "xkafka", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.81.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.14.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.6.0"),
    ],
    targets: [
        .target(
            name: "ExampleSupport",
            dependencies: [
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "XKafka", package: "xkafka"),
                .product(name: "XKafkaTesting", package: "xkafka"),
            ]
        ),
        .executableTarget(name: "group", dependencies: exampleDependencies),
        .executableTarget(name: "partition", dependencies: exampleDependencies),
        .executableTarget(name: "producer", dependencies: exampleDependencies),
        .executableTarget(
            name: "service",
            dependencies: exampleDependencies + [
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "trace",
            dependencies: exampleDependencies + [
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "XKafkaTesting", package: "xkafka"),
            ]
        ),
        .executableTarget(
            name: "demo",
            dependencies: exampleDependencies + [.product(name: "XKafkaTesting", package: "xkafka")],
            resources: [.copy("Resources")]
        ),
        .testTarget(name: "ExampleOutputTests", dependencies: ["group", "partition", "producer", "service", "trace"]),
        .testTarget(name: "ExampleSupportTests", dependencies: ["ExampleSupport"]),
        .testTarget(name: "DemoTests", dependencies: ["demo"]),
        // How services test what they do with messages.
        .testTarget(
            name: "HandlerTests",
            dependencies: [
                .product(name: "XKafka", package: "xkafka"),
                .product(name: "XKafkaTesting", package: "xkafka"),
            ]
        ),
    ]
)

for target in package.targets {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    ]
}
