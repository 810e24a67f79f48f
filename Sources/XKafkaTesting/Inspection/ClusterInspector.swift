public import XKafkaCore
import XKafkaTransport

/// Asks a cluster, embedded or real, for what tests want to know.
///
/// ```swift
/// let inspector = ClusterInspector(brokers: broker.brokers)
/// #expect(try await inspector.committedOffsets(ofGroup: "billing", topic: "orders") == [0: 17, 1: 4])
/// ```
///
/// Each question throws `KafkaError` when the cluster does not answer in time or refuses, such as for a topic that does
/// not exist.
public struct ClusterInspector: Sendable {
    let brokers: [String]
    let security: SecurityConfig
    let timeout: Duration

    /// Asks the cluster that these brokers belong to. Connects at each question.
    ///
    /// - Parameters:
    ///   - brokers: addresses of some of its brokers.
    ///   - security: encryption and authentication. Default: neither.
    ///   - timeout: how long an answer may take. Default 10 s.
    public init(brokers: [String], security: SecurityConfig = .plaintext, timeout: Duration = .seconds(10)) {
        self.brokers = brokers
        self.security = security
        self.timeout = timeout
    }

    /// The offset of the next message that will be written, by partition.
    public func endOffsets(of topic: String) async throws -> [Int32: Int64] {
        try await ask { queries in
            var ends: [Int32: Int64] = [:]
            for partition in 0..<(try queries.partitionCount(of: topic)) {
                ends[partition] = try queries.endOffset(of: TopicPartition(topic: topic, partition: partition))
            }
            return ends
        }
    }

    /// What a group has committed, by partition; partitions without a commit are missing.
    public func committedOffsets(ofGroup group: String, topic: String) async throws -> [Int32: Int64] {
        try await ask(group: group) { queries in
            let partitions = (0..<(try queries.partitionCount(of: topic))).map {
                TopicPartition(topic: topic, partition: $0)
            }
            let committed = try queries.committedOffsets(of: partitions)
            return Dictionary(uniqueKeysWithValues: committed.map { ($0.key.partition, $0.value) })
        }
    }

    /// Commits an offset for a group that has no members, with metadata, as other programs may.
    public func commit(_ offset: Int64, metadata: String, of partition: TopicPartition, group: String) async throws {
        try await ask(group: group) { queries in
            try queries.commit(OffsetAndMetadata(TopicPartitionOffset(partition, offset: offset), metadata: metadata))
        }
    }

    /// Creates a topic on a real cluster and waits until its partitions have leaders. The embedded
    /// broker does not take this request; it has `EmbeddedBroker.createTopic` instead.
    ///
    /// - Throws: ``ClusterInspectorError`` when the topic has another number of partitions in the end.
    public func createTopic(_ topic: String, partitions: Int, replicationFactor: Int = 1) async throws {
        try await ask { queries in
            try queries.createTopic(topic, partitions: partitions, replicationFactor: replicationFactor)
        }
        // The controller answers before every broker knows of the topic.
        let deadline = ContinuousClock.now + timeout
        while true {
            do {
                let known = try await endOffsets(of: topic).count
                if known == partitions { return }
                if ContinuousClock.now >= deadline {
                    throw ClusterInspectorError("\(topic) has \(known) partitions instead of \(partitions)")
                }
            } catch let error as KafkaError where error.errorClass == .retriable || error.code == .unknownTopic {
                if ContinuousClock.now >= deadline { throw error }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Deletes a topic of a real cluster.
    public func deleteTopic(_ topic: String) async throws {
        try await ask { queries in try queries.deleteTopic(topic) }
    }

    private func ask<Answer: Sendable>(
        group: String = "xkafka-inspector",
        _ question: @escaping @Sendable (ClusterQueries) throws -> Answer
    ) async throws -> Answer {
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: "xkafka-inspector", security: security)
        return try await withCheckedThrowingContinuation { [properties, timeout] continuation in
            // The questions block.
            DedicatedThread.start("xkafka.inspector") {
                continuation.resume(
                    with: Result {
                        try question(try ClusterQueries(properties, group: group, timeout: timeout))
                    }
                )
            }
        }
    }
}
