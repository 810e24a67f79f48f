import Foundation
import Logging
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Names that no other test uses.
func uniqueName(_ prefix: String) -> String {
    "\(prefix)-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
}

/// Settings that make clients quick to notice things on the embedded broker.
let quickConsumer = ["fetch.wait.max.ms": "10", "reconnect.backoff.max.ms": "200"]
let quickProducer = ["reconnect.backoff.max.ms": "200"]

/// A logger for tests: silent, unless `XKAFKA_TEST_LOG` names a level.
let testLogger: Logger = {
    let level = ProcessInfo.processInfo.environment["XKAFKA_TEST_LOG"].flatMap(Logger.Level.init(rawValue:))
    guard let level else { return Logger(label: "xkafka-test") { _ in SwiftLogNoOpLogHandler() } }
    var logger = Logger(label: "xkafka-test") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    return logger
}()

extension ProcessingConfig {
    /// The same, in half of all cases with handlers that are taken to be quick: nothing may depend on that.
    var withAnyPace: ProcessingConfig {
        var processing = self
        processing.isTakenToBeQuick = Bool.random()
        if processing.isTakenToBeQuick { processing.quickLimit = .milliseconds(1) }
        return processing
    }
}

extension GroupConsumerConfig {
    static func testing(
        _ broker: EmbeddedBroker,
        group: String = uniqueName("group"),
        topics: [String],
        processing: ProcessingConfig = ProcessingConfig()
    ) -> GroupConsumerConfig {
        var config = GroupConsumerConfig(
            brokers: broker.brokers,
            groupID: group,
            topics: topics,
            processing: processing.withAnyPace,
            logger: testLogger
        )
        // The embedded broker's rebalances take the session timeout less a second.
        config.sessionTimeout = .seconds(4)
        config.heartbeatInterval = .milliseconds(300)
        config.librdkafkaProperties = quickConsumer
        return config
    }
}

extension PartitionConsumerConfig {
    static func testing(
        _ broker: EmbeddedBroker,
        topic: String,
        partition: Int32 = 0,
        store: any OffsetStore = MemoryOffsetStore(),
        processing: ProcessingConfig = ProcessingConfig()
    ) -> PartitionConsumerConfig {
        var config = PartitionConsumerConfig(
            brokers: broker.brokers,
            topic: topic,
            partition: partition,
            offsetStore: store,
            processing: processing.withAnyPace,
            logger: testLogger
        )
        config.reconnectMaxBackoff = .milliseconds(200)
        config.librdkafkaProperties = ["fetch.wait.max.ms": "10"]
        return config
    }
}

extension ProducerConfig {
    static func testing(_ broker: EmbeddedBroker, topic: String? = nil) -> ProducerConfig {
        var config = ProducerConfig(
            brokers: broker.brokers,
            defaultTopic: topic,
            linger: .milliseconds(1),
            logger: testLogger
        )
        config.librdkafkaProperties = quickProducer
        return config
    }
}

extension EmbeddedBroker {
    /// A broker with a topic `orders` that holds these messages.
    static func withOrders(partitions: Int = 1, _ messages: some Sequence<ProduceMessage>) async throws
        -> EmbeddedBroker
    {
        let broker = try start(topics: ["orders": partitions])
        do {
            let producer = try Producer(.testing(broker, topic: "orders"))
            try await producer.produceBatch(messages)
            await producer.close()
            return broker
        } catch {
            broker.stop()
            throw error
        }
    }
}

/// Whatever consumes with a handler.
protocol Consumer: Sendable {
    @discardableResult
    func consume(_ handler: @escaping @Sendable (ConsumeContext) async throws -> Void) async throws -> DrainReport
}

extension GroupConsumer: Consumer {}
extension PartitionConsumer: Consumer {}

/// Runs `consumer` until `body` returns, then stops it by cancelling its task.
@discardableResult
func running(
    _ consumer: some Consumer,
    _ handler: @escaping @Sendable (ConsumeContext) async throws -> Void,
    while body: () async throws -> Void
) async throws -> DrainReport {
    let consuming = Task { try await consumer.consume(handler) }
    do {
        try await body()
    } catch {
        consuming.cancel()
        _ = await consuming.result
        throw error
    }
    consuming.cancel()
    return try await consuming.value
}

/// What a handler saw.
struct Seen: Sendable {
    let key: MessageBytes?
    let value: MessageBytes?
    let partition: Int32
    let offset: Int64
    let attempt: Int
    let epoch: UInt64

    init(_ message: ConsumeContext) {
        key = message.key?.copied()
        value = message.value?.copied()
        partition = message.partition
        offset = message.offset
        attempt = message.attempt
        epoch = message.assignmentEpoch
    }

    var text: String { value.map { String($0) } ?? "nil" }
}

extension DrainReport {
    /// The offsets of handlers that did not complete. Whether a handler that was told to stop did so within the second
    /// it has, and so counts as cancelled and not as abandoned, is a matter of how busy the machine is.
    var unfinished: [Int64] { (cancelled + abandoned).map(\.offset).sorted() }
}
