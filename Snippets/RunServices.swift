import Logging
import ServiceLifecycle
import XKafka

let producer = try Producer(ProducerConfig(brokers: ["127.0.0.1:9092"], defaultTopic: "invoices"))
let consumer = try GroupConsumer(
    GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
)
let billing = consumer.service { message in
    try await producer.produce(ProduceMessage(key: message.key, value: message.value))
}
// Ended from the last to the first: the producer is there until the last handler has ended.
let group = ServiceGroup(
    services: [producer, billing],
    gracefulShutdownSignals: [.sigterm],
    logger: Logger(label: "billing")
)
try await group.run()
