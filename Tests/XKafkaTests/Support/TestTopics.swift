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
            processing: processing,
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
            processing: processing,
            logger: testLogger
        )
        config.librdkafkaProperties = quickConsumer
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
