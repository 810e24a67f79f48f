import XKafka
import XKafkaTesting

let broker = try EmbeddedBroker.start(brokers: 3, topics: ["orders": 12, "orders-dlq": 1])
defer { broker.stop() }
try await broker.publish((1...100).map { ProduceMessage(key: "order-\($0)", value: "paid") }, to: "orders")
try broker.inject(.disconnect(.fetch, times: 2))

var config = GroupConsumerConfig(brokers: broker.brokers, groupID: "billing", topics: ["orders"])
config.sessionTimeout = .seconds(4)
config.processing.retry = RetryConfig(maxRetries: 1)
config.processing.exhaustedPolicy = .dlqCommit
config.processing.deadLetters = DeadLetterConfig(topic: "orders-dlq")
let consumer = try GroupConsumer(config)

struct Unreadable: PermanentError {}
let consuming = Task {
    try await consumer.consume { message in
        if message.key == "order-7" { throw Unreadable() }
    }
}
let inspector = ClusterInspector(brokers: broker.brokers)
try await inspector.waitUntilCommitted(byGroup: "billing", topic: "orders")
for letter in try await inspector.deadLetters(in: "orders-dlq") {
    print(letter.source, letter.error ?? "")
}
await consumer.close()
print(try await consuming.value.completed)  // 99
