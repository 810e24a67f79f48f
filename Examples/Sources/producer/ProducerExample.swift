// Sends messages in the four ways a producer has: one whose place is awaited, a batch that ends with the first
// failure, one whose result is awaited later, and a batch that tells what became of each.
//
// Run it, on a broker inside the process, or on a cluster:
//
//     swift run producer --embedded
//     XKAFKA_BROKERS=127.0.0.1:9092 XKAFKA_TOPIC=orders swift run producer
//
// It prints a line `produce succeeded` with partition and offset for each message, and `producer example completed`.

import ArgumentParser
import ExampleSupport
import Logging
import XKafka

@main
struct ProducerExample: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "producer",
        abstract: "Send messages in the ways a producer has.",
        discussion: "Reads XKAFKA_BROKERS, XKAFKA_TOPIC and XKAFKA_TIMEOUT."
    )

    @OptionGroup var options: ExampleOptions

    func run() async {
        await Example.run(options) { example in
            let environment = example.environment
            let logger = example.logger
            let producer = try Producer(
                ProducerConfig(brokers: environment.brokers, defaultTopic: environment.topic, logger: logger)
            )
            func report(_ kind: String, _ result: ProduceResult) {
                logger.info(
                    "produce succeeded",
                    metadata: [
                        "kind": "\(kind)", "topic": "\(result.topic)", "partition": "\(result.partition)",
                        "offset": "\(result.offset.map(String.init) ?? "unknown")", "attempt": "\(result.attempt)",
                    ]
                )
            }

            report("single", try await producer.produce(ProduceMessage(key: "order-1", value: "single message")))

            let batch = try await producer.produceBatch([
                ProduceMessage(key: "order-1", value: "batch message A"),
                ProduceMessage(key: "order-2", value: "batch message B"),
            ])
            for (index, result) in batch.enumerated() { report("batch[\(index)]", result) }

            let future = try await producer.produceAsync(ProduceMessage(key: "order-3", value: "async message"))
            report("async", try await future.value)

            let messages = (1...3).map { ProduceMessage(key: "order-\($0)", value: "reported message") }
            for (index, outcome) in try await producer.produceBatchReport(messages).enumerated() {
                report("report[\(index)]", try outcome.get())
            }

            await producer.close()
            logger.info("producer example completed")
        }
    }
}
