import XKafka

/// The handler under test: a function of its own, which needs neither a consumer nor a broker.
@Sendable func invoice(_ message: ConsumeContext, with producer: Producer) async throws {
    guard let value = message.value else { return }  // a tombstone
    try await producer.produce(ProduceMessage(topic: "invoices", key: message.key, value: value))
}

/// Keeps what is sent, in Kafka's place.
actor SentMessages: ProduceTransport {
    private(set) var messages: [ProduceMessage] = []

    func send(_ message: ProduceMessage) async throws -> ProduceResult {
        messages.append(message)
        let offset = Int64(messages.count - 1)
        return ProduceResult(topic: message.topic ?? "", partition: 0, offset: offset, timestamp: nil)
    }
}

let sent = SentMessages()
let producer = try Producer(ProducerConfig(brokers: []), transport: sent)

try await invoice(ConsumeContext(topic: "orders", offset: 17, key: "order-1", value: "paid"), with: producer)
try await invoice(ConsumeContext(topic: "orders", offset: 18, key: "order-1"), with: producer)
await producer.close()
print(await sent.messages.map(\.topic))  // [Optional("invoices")]
