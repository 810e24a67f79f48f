import Logging
import XKafka
import XKafkaSQLite
import XKafkaTesting

extension PartitionConsumerConfig {
    /// Reads `orders` of an embedded broker, with checkpoints in a database, in silence and without waiting for more.
    static func testing(_ broker: EmbeddedBroker, _ store: SQLiteOffsetStore) -> PartitionConsumerConfig {
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var config = PartitionConsumerConfig(
            brokers: broker.brokers,
            topic: "orders",
            offsetStore: store,
            logger: silent
        )
        config.librdkafkaProperties = ["fetch.wait.max.ms": "10"]
        return config
    }
}
