import Foundation
import Logging
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// The cluster that `XKAFKA_BROKERS` names.
enum RealCluster {
    static let brokers: [String] = (ProcessInfo.processInfo.environment["XKAFKA_BROKERS"] ?? "")
        .split(separator: ",").map { String($0).trimmingCharacters(in: .whitespaces) }

    static var isThere: Bool { !brokers.isEmpty }

    /// Whether the environment names commands that end a broker and start it again.
    static var canRestartBroker: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isThere && environment["XKAFKA_BROKER_STOP"] != nil && environment["XKAFKA_BROKER_START"] != nil
    }

    static func restartBroker() async throws {
        let environment = ProcessInfo.processInfo.environment
        for name in ["XKAFKA_BROKER_STOP", "XKAFKA_BROKER_START"] {
            let status = try await runShell(environment[name] ?? "false")
            guard status == 0 else { throw CommandFailed(description: "\(name) ended with \(status)") }
        }
    }

    struct CommandFailed: Error, CustomStringConvertible {
        let description: String
    }

    static var inspector: ClusterInspector { ClusterInspector(brokers: brokers, timeout: .seconds(20)) }

    static let logger: Logger = {
        var logger = Logger(label: "integration") { StreamLogHandler.standardError(label: $0) }
        let level = ProcessInfo.processInfo.environment["XKAFKA_TEST_LOG"].flatMap(Logger.Level.init(rawValue:))
        logger.logLevel = level ?? .critical
        return logger
    }()

    /// Runs `body` with a topic of its own, which is deleted afterwards.
    static func withTopic(partitions: Int, _ body: (String) async throws -> Void) async throws {
        try await withTopic(partitions: partitions, of: inspector, body)
    }

    /// The same in another cluster, or for another user of it.
    static func withTopic(
        partitions: Int,
        of inspector: ClusterInspector,
        _ body: (String) async throws -> Void
    ) async throws {
        let topic = uniqueName("xkafka-test")
        try await inspector.createTopic(topic, partitions: partitions)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(topic))
        } catch {
            result = .failure(error)
        }
        try await inspector.deleteTopic(topic)
        try result.get()
    }

    /// Deletes a topic and makes it anew, with one partition.
    static func makeAnew(_ topic: String) async throws {
        try await inspector.deleteTopic(topic)
        try await eventually("the topic to be gone") {
            do {
                try await inspector.createTopic(topic, partitions: 1)
                return true
            } catch is KafkaError {
                return false
            }
        }
    }

    static func uniqueName(_ prefix: String) -> String {
        "\(prefix)-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    }

    static func producer(_ topic: String) throws -> Producer {
        try Producer(ProducerConfig(brokers: brokers, defaultTopic: topic, linger: .milliseconds(1), logger: logger))
    }

    static func group(_ group: String, _ topic: String) -> GroupConsumerConfig {
        var config = GroupConsumerConfig(brokers: brokers, groupID: group, topics: [topic], logger: logger)
        config.sessionTimeout = .seconds(6)
        config.heartbeatInterval = .milliseconds(300)
        config.librdkafkaProperties = ["fetch.wait.max.ms": "50"]
        return config
    }
}
