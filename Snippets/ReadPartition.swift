import XKafka

let store = FileOffsetStore(path: "/var/lib/billing/offsets")
let consumer = try PartitionConsumer(
    PartitionConsumerConfig(brokers: ["127.0.0.1:9092"], topic: "orders", partition: 3, offsetStore: store)
)
try await consumer.consume { message in
    print(message.offset, message.headers.map(\.name))
}
