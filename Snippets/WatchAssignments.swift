import XKafka

var config = GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
config.processing.drainDeadline = .seconds(20)
config.onAssigned = { partitions in print("assigned", partitions) }
config.onRevoked = { partitions, report in print("given back", partitions, report) }
config.onLost = { partitions in print("lost", partitions) }

let report = try await GroupConsumer(config).consume { message in
    print(message.topic, message.partition, message.offset)
}
print(report.completed, report.returned, report.cancelled, report.abandoned, report.toBeRepeated)
