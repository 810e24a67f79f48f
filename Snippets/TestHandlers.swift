import XKafka
import XKafkaTesting

/// The handler under test: a function of its own, which needs neither a consumer nor a broker.
@Sendable func invoice(_ message: ConsumeContext, with producer: Producer) async throws {
    guard let value = message.value else { return }  // a tombstone
    try await producer.produce(ProduceMessage(topic: "invoices", key: message.key, value: value))
}

var config = GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
config.processing.retry = RetryConfig(maxRetries: 3, jitter: false)

// Keeps what is sent in Kafka's place, and handles messages as the configuration says, without waiting for pauses.
let transport = RecordingTransport()
let producer = try Producer(ProducerConfig(brokers: []), transport: transport)
let consumer = TestConsumer(config) { message in try await invoice(message, with: producer) }

transport.fail(with: .topicAuthorizationFailed, times: 2)
let outcome = await consumer.handle(ConsumeContext(topic: "orders", offset: 17, key: "order-1", value: "paid"))
print(outcome.isCompleted, outcome.attempts, outcome.pauses)  // true 3 [0.1 seconds, 0.2 seconds]
print(transport.sent.map(\.topic))  // [Optional("invoices")]
await producer.close()
