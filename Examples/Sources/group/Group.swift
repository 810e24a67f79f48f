import ArgumentParser
import ExampleSupport
import Logging
import XKafka

/// Reads a topic as a member of a group and logs each message.
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
