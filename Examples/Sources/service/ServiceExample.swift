import ArgumentParser
import ExampleSupport
import Logging
import ServiceLifecycle
import UnixSignals
import XKafka

/// A small service: it receives messages, changes them, and sends them on, until it is told to stop.
@main
struct ServiceExample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service",
        abstract: "Receive, transform and send messages as a service that shuts down gracefully.",
        discussion: """
            Reads XKAFKA_BROKERS, XKAFKA_TOPIC, XKAFKA_GROUP_ID and XKAFKA_TIMEOUT. What was received goes to the \
            topic of that name with -upper behind it. SIGTERM and SIGINT stop it; so does XKAFKA_TIMEOUT.
            """
    )

    @OptionGroup var options: ExampleOptions

    func run() async {
        await Example.run(options, topics: ["-upper"], untilStopped: false) { example in
            let environment = example.environment
            let logger = example.logger
            let target = environment.topic + "-upper"

            let producer = try Producer(
                ProducerConfig(brokers: environment.brokers, defaultTopic: target, logger: logger)
            )
            let consumer = try GroupConsumer(
                GroupConsumerConfig(
                    brokers: environment.brokers,
                    groupID: environment.groupID,
                    topics: [environment.topic],
                    logger: logger
                )
            )
            let relay = consumer.service { message in
                let value = message.value.map { MessageBytes(String($0).uppercased()) }
                let result = try await producer.produce(ProduceMessage(key: message.key, value: value))
                logger.info(
                    "message sent on",
                    metadata: ["value": "\(value.map { String($0) } ?? "")", "offset": "\(result.offset ?? -1)"]
                )
            }

            // Ended from the last to the first: the producer is there until the last handler has ended.
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        .init(service: Announced(name: "producer", service: producer, logger: logger)),
                        .init(service: Announced(name: "consumer", service: relay, logger: logger)),
                        .init(
                            service: Timeout(duration: environment.timeout),
                            successTerminationBehavior: .gracefullyShutdownGroup
                        ),
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: logger
                )
            )
            try await group.run()
            logger.info("service ended")
        }
    }
}

/// Logs when a service has started and when it has ended.
private struct Announced: Service {
    let name: String
    let service: any Service
    let logger: Logger

    func run() async throws {
        logger.info("\(name) runs")
        try await service.run()
        logger.info("\(name) ended")
    }
}

/// Ends after a while.
private struct Timeout: Service {
    let duration: Duration

    func run() async throws {
        await cancelWhenGracefulShutdown {
            try? await Task.sleep(for: duration)
        }
    }
}
