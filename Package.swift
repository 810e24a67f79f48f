// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "xkafka",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "XKafka", targets: ["XKafka"]),
        .library(name: "XKafkaConfiguration", targets: ["XKafkaConfiguration"]),
        .library(name: "XKafkaConsume", targets: ["XKafkaConsume"]),
        .library(name: "XKafkaProduce", targets: ["XKafkaProduce"]),
        .library(name: "XKafkaSQLite", targets: ["XKafkaSQLite"]),
        .library(name: "XKafkaTesting", targets: ["XKafkaTesting"]),
        .executable(name: "xkafka-embedded-broker", targets: ["xkafka-embedded-broker"]),
    ],
    traits: [
        .trait(
            name: "Fuzzing",
            description: "Makes xkafka-fuzz a fuzzer; for this package's own tests (make fuzz)."
        ),
        .trait(
            name: "SimulatedDefects",
            description: "Mistakes to be found by the simulator; for this package's own tests (make calibrate)."
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.0.0", traits: []),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.10.0"),
    ],
    targets: [
        // librdkafka itself. Only the transport imports it.
        .systemLibrary(
            name: "CKafka",
            pkgConfig: "rdkafka",
            providers: [.apt(["librdkafka-dev"]), .brew(["librdkafka"])]
        ),

        // Values both sides share.
        .target(
            name: "XKafkaCore",
            dependencies: [
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),

        // The pure parts: no librdkafka, so that they run under the thread sanitizer.
        .target(
            name: "XKafkaOffsets",
            dependencies: [.product(name: "DequeModule", package: "swift-collections")]
        ),
        .target(
            name: "XKafkaWorkers",
            dependencies: [.product(name: "DequeModule", package: "swift-collections")]
        ),
        .target(
            name: "XKafkaEngine",
            dependencies: [
                "XKafkaCore", "XKafkaOffsets",
                .product(name: "DequeModule", package: "swift-collections"),
            ]
        ),

        // Middleware: knows neither transport nor engine.
        .target(
            name: "XKafkaConsume",
            dependencies: [
                "XKafkaCore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .target(
            name: "XKafkaProduce",
            dependencies: [
                "XKafkaCore",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),

        // The only Swift over librdkafka.
        .target(
            name: "XKafkaTransport",
            dependencies: ["CKafka", "XKafkaCore"]
        ),

        // The facades.
        .target(
            name: "XKafka",
            dependencies: [
                "XKafkaConsume", "XKafkaCore", "XKafkaEngine", "XKafkaOffsets", "XKafkaProduce", "XKafkaTransport",
                "XKafkaWorkers",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),

        // Configurations from files and the environment, for those who import it.
        .target(
            name: "XKafkaConfiguration",
            dependencies: [
                "XKafka", "XKafkaConsume", "XKafkaCore", "XKafkaProduce",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),

        // Checkpoints in SQLite, for those who import it. XKafka shows the two below it too; they are named because the
        // documentation links to them.
        .target(
            name: "XKafkaSQLite",
            dependencies: ["XKafka", "XKafkaConsume", "XKafkaCore", .product(name: "GRDB", package: "GRDB.swift")]
        ),

        // The test kit, and the embedded broker as a process of its own.
        .target(
            name: "XKafkaTesting",
            dependencies: [
                "XKafka", "XKafkaConsume", "XKafkaCore", "XKafkaProduce", "XKafkaTransport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .executableTarget(name: "xkafka-embedded-broker", dependencies: ["XKafkaTesting"]),
        // A consumer in a process of its own, which tests may kill.
        .executableTarget(
            name: "xkafka-test-member",
            dependencies: [
                "XKafka", "XKafkaSQLite", "XKafkaTestingInternal",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        // Makes and closes clients, and tells what the process holds afterwards.
        .executableTarget(
            name: "xkafka-test-handles",
            dependencies: ["XKafka", .product(name: "Logging", package: "swift-log")]
        ),
        .target(
            name: "XKafkaTestingInternal",
            dependencies: [
                "XKafkaCore", "XKafkaEngine", "XKafkaOffsets", "XKafkaTransport", "XKafkaWorkers",
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        // Plays simulated schedules of the pure parts; see `make simulate`.
        .executableTarget(name: "xkafka-simulate", dependencies: ["XKafkaTestingInternal"]),

        // Measures the pure parts; see `make bench-micro`. How often memory is allocated only C can count.
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "xkafka-micro",
            dependencies: ["CAllocationCount", "XKafkaEngine", "XKafkaOffsets", "XKafkaWorkers"]
        ),

        // What reads bytes from outside, with any bytes; see `make fuzz`.
        .target(
            name: "XKafkaHostileInput",
            dependencies: [
                "XKafka", "XKafkaConfiguration", "XKafkaConsume", "XKafkaCore", "XKafkaOffsets", "XKafkaTesting",
                "XKafkaTestingInternal",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .executableTarget(name: "xkafka-fuzz", dependencies: ["XKafkaHostileInput", "XKafkaTestingInternal"]),

        .testTarget(
            name: "XKafkaCoreTests",
            dependencies: [
                "XKafkaCore", "XKafkaTestingInternal",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(name: "XKafkaOffsetsTests", dependencies: ["XKafkaOffsets", "XKafkaTestingInternal"]),
        .testTarget(
            name: "XKafkaWorkersTests",
            dependencies: ["XKafkaCore", "XKafkaWorkers", "XKafkaTestingInternal"]
        ),
        .testTarget(
            name: "XKafkaEngineTests",
            dependencies: ["XKafkaCore", "XKafkaEngine", "XKafkaOffsets", "XKafkaTestingInternal", "xkafka-micro"]
        ),
        .testTarget(
            name: "XKafkaConsumeTests",
            dependencies: [
                "XKafkaConsume", "XKafkaCore", "XKafkaTestingInternal",
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(
            name: "XKafkaProduceTests",
            dependencies: [
                "XKafkaCore", "XKafkaProduce", "XKafkaTestingInternal",
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(
            name: "XKafkaTransportTests",
            dependencies: ["CKafka", "XKafkaCore", "XKafkaTestingInternal", "XKafkaTransport"]
        ),
        .testTarget(
            name: "XKafkaTestingTests",
            dependencies: [
                "XKafka", "XKafkaCore", "XKafkaTesting", "XKafkaTestingInternal", "XKafkaTransport",
                "xkafka-embedded-broker",
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(
            name: "XKafkaTests",
            dependencies: [
                "XKafka", "XKafkaCore", "XKafkaSQLite", "XKafkaTesting", "XKafkaTestingInternal", "XKafkaTransport",
                "xkafka-embedded-broker", "xkafka-test-handles", "xkafka-test-member",
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(
            name: "XKafkaSQLiteTests",
            dependencies: [
                "XKafka", "XKafkaSQLite", "XKafkaTesting", "XKafkaTestingInternal",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "XKafkaConfigurationTests",
            dependencies: [
                "XKafka", "XKafkaConfiguration", "XKafkaTestingInternal",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        // Need a real cluster, named by XKAFKA_BROKERS.
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "XKafka", "XKafkaSQLite", "XKafkaTesting", "XKafkaTestingInternal",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ]
        ),
        .testTarget(
            name: "HostileInputTests",
            dependencies: ["XKafkaHostileInput", "XKafkaTestingInternal", "xkafka-fuzz"]
        ),
        .testTarget(name: "DocumentationTests", dependencies: ["XKafka"]),
    ]
)

// One list of settings for every target; the proposal is named beside each.
for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
        .enableExperimentalFeature("Lifetimes"),  // spans returned from properties, after SE-0446
    ]
}

// For `make docs` alone: users do not resolve what only builds the documentation.
if Context.environment["XKAFKA_DOCS"] != nil {
    package.dependencies.append(
        .package(url: "https://github.com/swiftlang/swift-docc-plugin.git", from: "1.4.0")
    )
}
