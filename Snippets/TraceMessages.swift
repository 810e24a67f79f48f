import XKafka

var sending = ProducerConfig(brokers: ["127.0.0.1:9092"], defaultTopic: "orders")
sending.handlers = [ProduceTrace()]
let producer = try Producer(sending)

var reading = GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
reading.handlers = [ConsumeTrace()]
try await GroupConsumer(reading).consume { message in
    // In the trace of whoever sent the order, and so is what is sent from here.
    try await producer.produce(ProduceMessage(topic: "invoices", key: message.key, value: message.value))
}
