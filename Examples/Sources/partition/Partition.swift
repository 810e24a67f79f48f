// Reads one partition without a group, from where an offset store says it left off, and shows the checkpoint.
//
// Run it, on a broker inside the process, or on a cluster:
//
//     swift run partition --embedded
//     XKAFKA_BROKERS=127.0.0.1:9092 XKAFKA_TOPIC=orders XKAFKA_PARTITION=2 swift run partition
//
// It prints `partition consumer started`, a line `message received` for each message, and at the end, when
// XKAFKA_TIMEOUT has passed or it was told to end, `partition checkpoint` with the next offset to read. The store
// here forgets; put a `FileOffsetStore` in its place, and the next run goes on there.

import ArgumentParser
import ExampleSupport
import Logging
import XKafka

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
