import XKafka

let consumer = try GroupConsumer(
    GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
)
try await consumer.consume { message in
    guard let value = message.value else { return }  // a tombstone
    print(message.topic, message.partition, message.offset, String(value))
}
