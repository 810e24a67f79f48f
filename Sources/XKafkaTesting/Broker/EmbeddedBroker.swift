import XKafkaCore
import XKafkaTransport

/// A small Kafka cluster for tests and examples, on loopback, with nothing to install.
///
/// It is librdkafka's mock cluster: real brokers as far as clients can see (any Kafka client can
/// connect), everything in memory. What it does not do: keep more than about 5 MiB per partition,
/// transactions, compaction, static membership, TLS, SASL, or looking up offsets by time. Kafka's
/// first group join takes about 3 seconds on it.
///
/// ```swift
/// let broker = try EmbeddedBroker.start(topics: ["orders": 12])
/// defer { broker.stop() }
/// let producer = try Producer(ProducerConfig(brokers: broker.brokers, defaultTopic: "orders"))
/// ```
public final class EmbeddedBroker: Sendable {
    /// Where the brokers run.
    public enum Hosting: Sendable, Hashable {
        /// On threads of this process.
        case thisProcess
        /// In a process of their own, for tests that measure memory or that end processes. It ends
        /// when the broker is stopped and also when this process dies. Needs the executable
        /// `xkafka-embedded-broker`, a product of this package, beside the running one or named by
        /// the environment variable `XKAFKA_EMBEDDED_BROKER`.
        case childProcess
    }

    private let cluster: any ClusterControl

    /// The addresses of the brokers, separated by commas, as other clients want them.
    public var bootstrapServers: String { cluster.bootstrapServers }

    /// The addresses of the brokers, as the configurations of this library want them.
    public var brokers: [String] { bootstrapServers.split(separator: ",").map(String.init) }

    /// The process the brokers run in, or `nil` when that is this one or has ended.
    public var processIdentifier: Int32? { cluster.processIdentifier }

    private init(_ cluster: any ClusterControl) {
        self.cluster = cluster
    }

    /// Starts a cluster.
    ///
    /// - Parameters:
    ///   - brokers: how many brokers, at least 1.
    ///   - topics: the topics to create, with their number of partitions. Others are created when
    ///     they are first asked for, with 4 partitions.
    ///   - hosting: where the brokers run.
    /// - Throws: ``EmbeddedBrokerError`` when an argument makes no sense or the process cannot be
    ///   started, `KafkaError` when librdkafka refuses.
    public static func start(
        brokers: Int = 1,
        topics: [String: Int] = [:],
        in hosting: Hosting = .thisProcess
    ) throws -> EmbeddedBroker {
        guard (1...100).contains(brokers) else {
            throw EmbeddedBrokerError("a cluster has 1 to 100 brokers, got \(brokers)")
        }
        let cluster: any ClusterControl =
            switch hosting {
            case .thisProcess: try MockCluster(brokers: brokers)
            case .childProcess: try ChildCluster(brokers: brokers)
            }
        let broker = EmbeddedBroker(cluster)
        do {
            for (topic, partitions) in topics { try broker.createTopic(topic, partitions: partitions) }
        } catch {
            broker.stop()
            throw error
        }
        return broker
    }

    /// Creates a topic.
    ///
    /// - Parameters:
    ///   - topic: its name.
    ///   - partitions: how many partitions, at least 1.
    ///   - replicationFactor: how many brokers hold each partition, at least 1 and at most as many
    ///     as there are.
    /// - Throws: ``EmbeddedBrokerError`` when an argument makes no sense or the broker is not there any more,
    ///   `KafkaError` when librdkafka refuses, such as a topic that is there already.
    public func createTopic(_ topic: String, partitions: Int, replicationFactor: Int = 1) throws {
        guard (1...10_000).contains(partitions) else {
            throw EmbeddedBrokerError("a topic has 1 to 10,000 partitions, got \(partitions) for \(topic)")
        }
        guard (1...cluster.brokerCount).contains(replicationFactor) else {
            throw EmbeddedBrokerError(
                "the replication factor is at least 1 and at most the number of brokers (\(cluster.brokerCount)), "
                    + "got \(replicationFactor) for \(topic)"
            )
        }
        try cluster.createTopic(topic, partitions: partitions, replicationFactor: replicationFactor)
    }

    /// Lets something go wrong now.
    ///
    /// - Throws: `KafkaError` when there is no such broker, topic or partition, ``EmbeddedBrokerError`` when the
    ///   broker was stopped or its process has ended.
    public func inject(_ fault: Fault) throws {
        try cluster.apply(fault.mock)
    }

    /// Lets things go wrong at their times. Returns after the last one; cancelling the task ends it
    /// before.
    ///
    /// - Throws: as ``inject(_:)``; `CancellationError` when the task is cancelled.
    public func play(_ timeline: FaultTimeline) async throws {
        let start = ContinuousClock.now
        for entry in timeline.entries {
            try await Task.sleep(until: start + entry.time, clock: .continuous)
            try inject(entry.fault)
        }
    }

    /// Ends all brokers; clients see their connections close. Only the first call does anything.
    ///
    /// A broker that nobody refers to any more stops by itself.
    public func stop() {
        cluster.stop()
    }
}

/// Why an embedded broker could not be started or told something.
public struct EmbeddedBrokerError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, and what to do about it.
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    static let stopped = EmbeddedBrokerError("the embedded broker was stopped")
    static let processEnded = EmbeddedBrokerError("the embedded broker's process has ended")
}

/// What can be asked of a cluster, wherever it runs.
protocol ClusterControl: Sendable {
    var brokerCount: Int { get }
    var bootstrapServers: String { get }
    var processIdentifier: Int32? { get }
    func createTopic(_ topic: String, partitions: Int, replicationFactor: Int) throws
    func apply(_ fault: MockFault) throws
    func stop()
}

extension MockCluster: ClusterControl {
    var processIdentifier: Int32? { nil }

    func createTopic(_ topic: String, partitions: Int, replicationFactor: Int) throws {
        try whileRunning {
            try create(topic: topic, partitions: partitions, replicationFactor: replicationFactor)
        }
    }

    func apply(_ fault: MockFault) throws {
        try whileRunning { try inject(fault) }
    }

    /// A broker that was stopped is told as one in a process of its own tells it.
    private func whileRunning(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as KafkaError where error.code == .wrongState {
            throw EmbeddedBrokerError.stopped
        }
    }
}
