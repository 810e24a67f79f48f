// Follows messages in one trace, from the span that sends them to the handler that works on them, over an attempt
// that fails.
//
// Run it, on a broker inside the process, or on a cluster:
//
//     swift run trace --embedded
//     XKAFKA_BROKERS=127.0.0.1:9092 XKAFKA_TOPIC=orders swift run trace
//
// It prints `trace begins` with the number of the trace, a line `span …` for each span as it ends, with its parent,
// and `trace example completed` once both messages were handled.

import ArgumentParser
import ExampleSupport
import Logging
import Tracing
import XKafka
import XKafkaTesting

@main
struct Trace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow messages through producer, broker and consumer in one trace.",
        discussion: "Reads XKAFKA_BROKERS, XKAFKA_TOPIC, XKAFKA_GROUP_ID and XKAFKA_TIMEOUT."
    )

    /// What goes wrong at the first attempt at the second message.
    struct DatabaseDown: Error {}

    @OptionGroup var options: ExampleOptions

    func run() async {
        await Example.run(options) { example in
            let environment = example.environment
            let logger = example.logger
            // Any tracer of swift-distributed-tracing will do. This one writes each span as a line.
            let tracer = W3CTracer { logger.logSpan($0) }

            let producer = try Producer(
                ProducerConfig(
                    brokers: environment.brokers,
                    defaultTopic: environment.topic,
                    handlers: [ProduceTrace(tracer: tracer)],
                    logger: logger
                )
            )
            let orders = try await tracer.withSpan("checkout", ofKind: .server) { span in
                logger.info("trace begins", metadata: ["trace": "\(span.context.w3c?.traceID ?? "")"])
                return try await producer.produceBatch([
                    ProduceMessage(key: "order-1", value: "traced message 1"),
                    ProduceMessage(key: "order-2", value: "traced message 2"),
                ])
            }
            await producer.close()

            let consumer = try GroupConsumer(
                GroupConsumerConfig(
                    brokers: environment.brokers,
                    groupID: environment.groupID,
                    topics: [environment.topic],
                    handlers: [ConsumeTrace(tracer: tracer)],
                    logger: logger
                )
            )
            let remaining = Countdown(orders)
            try await consumer.consume { message in
                guard let value = message.value.map({ String($0) }), value.hasPrefix("traced") else { return }
                if value.hasSuffix("2"), message.attempt == 1 { throw DatabaseDown() }
                // A child of the attempt's span, as would be what a database client or another producer does.
                tracer.withSpan("store \(value)") { _ in }
                if await remaining.isLast(message) { await consumer.close() }
            }
            logger.info("trace example completed")
        }
    }
}

/// The messages that are still to come.
private actor Countdown {
    private var places: [String]

    init(_ results: [ProduceResult]) {
        places = results.map { "\($0.topic):\($0.partition)@\($0.offset ?? -1)" }
    }

    func isLast(_ message: ConsumeContext) -> Bool {
        places.removeAll { $0 == message.description }
        return places.isEmpty
    }
}

extension Logger {
    fileprivate func logSpan(_ span: W3CTracer.FinishedSpan) {
        var metadata: Logger.Metadata = [
            "trace": "\(span.place.traceID)", "span": "\(span.place.spanID)", "parent": "\(span.parentID ?? "none")",
            "kind": "\(span.kind)", "microseconds": "\((span.end &- span.start) / 1_000)",
        ]
        if let error = span.errors.first { metadata["error"] = "\(error)" }
        span.attributes.forEach { name, value in
            if name == "xkafka.attempt", case .int64(let attempt) = value { metadata["attempt"] = "\(attempt)" }
        }
        info("span \(span.name)", metadata: metadata)
    }
}
