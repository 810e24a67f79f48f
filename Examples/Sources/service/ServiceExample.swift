// A complete small service: it reads orders, transforms them and sends them on, puts aside what cannot be
// transformed, tells over HTTP how it is doing, and ends gracefully.
//
// Run it, on a broker inside the process or on a cluster:
//
//     swift run service --embedded
//     XKAFKA_BROKERS=127.0.0.1:9092 XKAFKA_TOPIC=orders swift run service
//     curl -i http://127.0.0.1:8080/health
//     curl http://127.0.0.1:8080/snapshot
//
// It prints a line when each of its parts runs and when it has ended, `message sent on` for each order, and
// `xkafka handle dead-lettered` for the tombstone that the broker inside the process holds. SIGTERM and SIGINT end it, and
// so does XKAFKA_TIMEOUT: the consumer ends first, then the producer, then the HTTP server, and `service ended` is
// the last line.

import ArgumentParser
import ExampleSupport
import Logging
import ServiceLifecycle
import UnixSignals
import XKafka

@main
struct ServiceExample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service",
        abstract: "Receive, transform and send messages as a service with a health endpoint.",
        discussion: """
            Reads XKAFKA_BROKERS, XKAFKA_TOPIC, XKAFKA_GROUP_ID, XKAFKA_HTTP_PORT and XKAFKA_TIMEOUT. What was received \
            goes to the topic of that name with -upper behind it, what cannot be transformed to the one with -dlq. \
            SIGTERM and SIGINT stop it; so does XKAFKA_TIMEOUT.
            """
    )

    @OptionGroup var options: ExampleOptions

    func run() async {
        let tombstone = ProduceMessage(key: "order-7", value: nil)
        await Example.run(options, topics: ["-upper", "-dlq"], messages: [tombstone], untilStopped: false) { example in
            try await Self.serve(example)
        }
    }

    private static func serve(_ example: Example) async throws {
        let environment = example.environment
        let logger = example.logger

        let producer = try Producer(
            ProducerConfig(brokers: environment.brokers, defaultTopic: environment.topic + "-upper", logger: logger)
        )
        var config = GroupConsumerConfig(
            brokers: environment.brokers,
            groupID: environment.groupID,
            topics: [environment.topic],
            logger: logger
        )
        config.processing.retry = RetryConfig(maxRetries: 3)
        config.processing.exhaustedPolicy = .dlqCommit
        config.processing.deadLetters = DeadLetterConfig(topic: environment.topic + "-dlq")
        let consumer = try GroupConsumer(config)
        let relay = consumer.service { message in
            let order = try transform(message)
            let result = try await producer.produce(order)
            logger.info(
                "message sent on",
                metadata: ["value": "\(order.value.map { String($0) } ?? "")", "offset": "\(result.offset ?? -1)"]
            )
        }
        let http = httpServer(consumer, producer, port: environment.httpPort, logger: logger)

        // Ended from the last to the first: the producer is there until the last handler has ended, and whoever asks
        // for health learns that the service is ending.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: Announced(name: "http server", service: http, logger: logger)),
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

    /// The business of this service.
    private static func transform(_ message: ConsumeContext) throws -> ProduceMessage {
        guard let value = message.value else { throw NothingToTransform() }
        return ProduceMessage(key: message.key, value: MessageBytes(String(value).uppercased()))
    }
}

/// A message without a value. It has none the next time either, so it becomes a dead letter at once.
struct NothingToTransform: PermanentError {}

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
