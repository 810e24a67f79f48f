import Configuration
import XKafka
import XKafkaConfiguration

let environment = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(to: "kafka")
let consumer = try GroupConsumer(GroupConsumerConfig(from: environment))
try await consumer.consume { message in print(message.topic, message.offset) }
