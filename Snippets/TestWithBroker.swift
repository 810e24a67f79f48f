import XKafka
import XKafkaTesting

let broker = try EmbeddedBroker.start(brokers: 3, topics: ["orders": 12])
defer { broker.stop() }

let producer = try Producer(ProducerConfig(brokers: broker.brokers, defaultTopic: "orders"))
try await producer.produce(ProduceMessage(key: "order-1", value: "paid"))

try broker.inject(.disconnect(.produce, times: 2))
try await producer.produce(ProduceMessage(key: "order-1", value: "shipped"))
await producer.close()

let ends = try await ClusterInspector(brokers: broker.brokers).endOffsets(of: "orders")
print(ends.values.reduce(0, +))
