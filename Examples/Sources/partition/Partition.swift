import ArgumentParser
import ExampleSupport
import Logging
import XKafka

/// Reads one partition from where an offset store says it left off, and shows the checkpoint.
@main
struct Partition: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read one partition, with checkpoints.",
        discussion: "Reads XKAFKA_BROKERS, XKAFKA_TOPIC, XKAFKA_PARTITION and XKAFKA_TIMEOUT."
    )

    @OptionGroup var options: ExampleOptions

    func run() async {
        await Example.run(options) { example in
            let environment = example.environment
            let logger = example.logger
            let store = MemoryOffsetStore()
            let consumer = try PartitionConsumer(
                PartitionConsumerConfig(
                    brokers: environment.brokers,
                    topic: environment.topic,
                    partition: environment.partition,
                    offsetStore: store,
                    logger: logger
                )
            )
            logger.info(
                "partition consumer started",
                metadata: [
                    "brokers": "\(environment.brokers.joined(separator: ","))", "topic": "\(environment.topic)",
                    "partition": "\(environment.partition)",
                ]
            )
            try await consumer.consume { logger.logReceived($0) }
            let partition = TopicPartition(topic: environment.topic, partition: environment.partition)
            if let nextOffset = try await store.load(partition) {
                logger.info("partition checkpoint", metadata: ["next_offset": "\(nextOffset)"])
            } else {
                logger.info("partition checkpoint not found")
            }
            logger.info("partition consumer stopped")
        }
    }
}
