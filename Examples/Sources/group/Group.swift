// Reads a topic as a member of a group: the smallest consumer there is.
//
// Run it, on a broker inside the process that holds six messages, or on a cluster:
//
//     swift run group --embedded
//     XKAFKA_BROKERS=127.0.0.1:9092 XKAFKA_TOPIC=orders swift run group
//
// It prints `group consumer started`, a line `message received` for each message, and `group consumer stopped` when
// XKAFKA_TIMEOUT has passed or it was told to end. Start it twice with one XKAFKA_GROUP_ID on a cluster, and the two
// share the topic's partitions.

import ArgumentParser
import ExampleSupport
import Logging
import XKafka

@main
struct Group: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read a topic as a member of a group.",
        discussion: "Reads XKAFKA_BROKERS, XKAFKA_TOPIC, XKAFKA_GROUP_ID and XKAFKA_TIMEOUT."
    )

    @OptionGroup var options: ExampleOptions

    func run() async {
        await Example.run(options) { example in
            let environment = example.environment
            let logger = example.logger
            let consumer = try GroupConsumer(
                GroupConsumerConfig(
                    brokers: environment.brokers,
                    groupID: environment.groupID,
                    topics: [environment.topic],
                    logger: logger
                )
            )
            logger.info(
                "group consumer started",
                metadata: [
                    "brokers": "\(environment.brokers.joined(separator: ","))", "topic": "\(environment.topic)",
                    "group_id": "\(environment.groupID)",
                ]
            )
            try await consumer.consume { logger.logReceived($0) }
            logger.info("group consumer stopped")
        }
    }
}
