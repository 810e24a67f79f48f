import XKafka

let producer = try Producer(ProducerConfig(brokers: ["127.0.0.1:9092"], defaultTopic: "orders"))
let result = try await producer.produce(ProduceMessage(key: "order-1", value: "paid"))
print(result.partition, result.offset ?? -1)

let future = try await producer.produceAsync(ProduceMessage(key: "order-1", value: "shipped"))
_ = try await future.value
await producer.close()
