import XKafka

var config = GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
// Orders of one customer one after the other, whatever their keys are. Those that name none: at the same time.
config.processing.keyExtractor = { message in message.headers.first(named: "customer")?.value }
config.processing.keylessOrder = .unordered
config.processing.maxConcurrentHandlers = 100

try await GroupConsumer(config).consume { message in
    print(String(message.logicalKey), message.offset)
}
