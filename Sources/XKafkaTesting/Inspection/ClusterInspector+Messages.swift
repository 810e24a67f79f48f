import Logging
import Synchronization
import XKafka
public import XKafkaConsume
import XKafkaCore

extension ClusterInspector {
    /// The messages that a topic holds by now, by partition and in the order of their offsets. No group is needed,
    /// and no offset is committed.
    ///
    /// - Parameters:
    ///   - topic: the topic.
    ///   - limit: how many there may be. Default 10,000.
    /// - Throws: ``ClusterInspectorError`` when there are more, or when reading them takes longer than a question
    ///   may; `KafkaError` when the cluster cannot be asked.
    public func messages(in topic: String, limit: Int = 10_000) async throws -> [ConsumeContext] {
        let partitions = try await endOffsets(of: topic).keys.sorted()
        var config = PartitionConsumerConfig(brokers: brokers, topic: topic, partitions: partitions)
        config.security = security
        config.end = .untilEnd
        config.processing.retry = RetryConfig(maxRetries: 0)
        config.processing.exhaustedPolicy = .stop
        config.processing.drainDeadline = .seconds(1)
        config.logger.logLevel = .critical
        config.librdkafkaProperties = ["fetch.wait.max.ms": "10"]
        let found = FoundMessages(limit: limit)
        let consumer = try PartitionConsumer(config)
        let hasTime = try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await consumer.consume { try found.add($0) }
                return true
            }
            group.addTask { [timeout] in
                try? await Task.sleep(for: timeout)
                return false
            }
            defer { group.cancelAll() }
            do {
                return try await group.next() ?? false
            } catch let error as ConsumerError {
                throw error.cause as? ClusterInspectorError ?? error
            }
        }
        try Task.checkCancellation()
        guard hasTime else { throw ClusterInspectorError("\(topic) could not be read within \(timeout)") }
        return found.messages.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
    }

    /// The dead letters that a topic holds by now, by partition and in the order of their offsets; what is no dead
    /// letter is left out.
    ///
    /// A group commits a message only after its dead letter is there: what is missing after
    /// ``waitUntilCommitted(byGroup:topic:within:)`` was not dead-lettered.
    ///
    /// - Parameters:
    ///   - topic: the topic of the dead letters.
    ///   - limit: how many messages it may hold. Default 10,000.
    /// - Throws: what ``messages(in:limit:)`` does.
    public func deadLetters(in topic: String, limit: Int = 10_000) async throws -> [ReceivedDeadLetter] {
        try await messages(in: topic, limit: limit).compactMap(ReceivedDeadLetter.init)
    }
}

/// Collects messages, up to a number.
private final class FoundMessages: Sendable {
    private let limit: Int
    private let found = Mutex<[ConsumeContext]>([])

    init(limit: Int) {
        self.limit = limit
    }

    var messages: [ConsumeContext] { found.withLock { $0 } }

    func add(_ message: ConsumeContext) throws {
        try found.withLock { found in
            guard found.count < limit else {
                throw ClusterInspectorError("\(message.topic) holds more than \(limit) messages")
            }
            // Not to keep the fetch it came from.
            found.append(message.copied())
        }
    }
}
