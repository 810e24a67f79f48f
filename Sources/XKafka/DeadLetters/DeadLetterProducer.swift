package import Logging
import Synchronization
import XKafkaConsume
package import XKafkaCore
import XKafkaTransport

/// Publishes dead letters with a producer of its own, which is made for the first letter, and again after
/// it met an error that it does not survive.
final class DeadLetterProducer: DeadLetterPublisher {
    private enum State {
        case idle
        case open(ProducerClient)
        case closed
    }

    private let topic: String
    private let properties: ClientProperties
    private let logger: Logger
    private let state = Mutex(State.idle)

    init(topic: String, properties: ClientProperties, logger: Logger) {
        self.topic = topic
        self.properties = properties
        self.logger = logger
    }

    deinit {
        close()
    }

    func publish(_ letter: DeadLetter) async throws {
        let client = try client()
        let receipt = Receipt()
        do {
            try client.send(
                .init(
                    topic: topic,
                    partition: nil,
                    key: letter.key,
                    value: letter.value,
                    headers: letter.headers,
                    timestamp: nil
                ),
                receiver: receipt
            )
            if let error = try await receipt.outcome.wait() { throw error }
        } catch let error as KafkaError where error.errorClass == .fatal {
            replace(client)
            throw error
        }
    }

    /// Ends the producer. Nobody waits for letters any more: those under way are given up.
    func close() {
        let last = state.withLock { state in
            defer { state = .closed }
            if case .open(let client) = state { return client as ProducerClient? }
            return nil
        }
        last?.stop(purgingAt: .now)
    }

    private func client() throws -> ProducerClient {
        try state.withLock { state in
            switch state {
            case .open(let client): return client
            case .closed: throw ConsumerError(.closed)
            case .idle:
                // Starts threads, waits for nothing.
                let (logger, log) = (logger, LibrdkafkaLog(logger))
                let client = try ProducerClient(properties) { event in
                    switch event {
                    case .error(let error):
                        logger.warning("xkafka dead letter producer error", metadata: ["error": "\(error)"])
                    case .log(let line): log.write(line)
                    case .statistics: break
                    }
                }
                state = .open(client)
                return client
            }
        }
    }

    private func replace(_ failed: ProducerClient) {
        let wasCurrent = state.withLock { state in
            guard case .open(let current) = state, current === failed else { return false }
            state = .idle
            return true
        }
        guard wasCurrent else { return }
        logger.warning("xkafka dead letter producer is replaced after a fatal error")
        failed.stop(purgingAt: .now)
    }

    /// Waits for the report of one letter.
    private final class Receipt: DeliveryReceiver {
        let outcome = OneShot<KafkaError?>()

        func receive(_ report: DeliveryReport) {
            outcome.resolve(report.error)
        }
    }
}

extension ClientProperties {
    /// What a consumer's dead-letter producer is made with: the consumer's connection, and of the
    /// properties that the user set for it those about the network.
    package static func deadLetterProducer(
        brokers: [String],
        clientID: String,
        security: SecurityConfig,
        librdkafkaProperties: [String: String],
        deliveryTimeout: Duration,
        logger: Logger
    ) -> ClientProperties {
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: clientID + "-dlq", security: security, logger: logger)
        properties.set("log.queue", true)
        properties.set("enable.idempotence", true)
        properties.set("acks", "all")
        // Keys keep the partition, hence the order, that xkafka gives them; letters without one are spread.
        properties.set("partitioner", "fnv1a_random")
        properties.set("linger.ms", 5)
        properties.set("delivery.timeout.ms", milliseconds: deliveryTimeout)
        // A letter is a little larger than its message: the brokers' limit counts, not librdkafka's.
        properties.set("message.max.bytes", 1_000_000_000)
        properties.add(librdkafkaProperties.filter { isAboutTheNetwork($0.key) })
        return properties
    }

    private static func isAboutTheNetwork(_ name: String) -> Bool {
        let prefixes = [
            "socket.", "ssl.", "sasl.", "security.", "enable.sasl", "enable.ssl", "broker.", "reconnect.", "metadata.",
            "topic.metadata.", "connections.", "client.dns", "https.", "api.version", "debug", "retry.backoff",
        ]
        return prefixes.contains { name.hasPrefix($0) }
    }
}
