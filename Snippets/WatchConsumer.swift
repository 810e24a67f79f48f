import XKafka

var config = GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
config.metrics = MetricsConfig()
let consumer = try GroupConsumer(config)

/// What a readiness endpoint answers.
@Sendable func readiness() -> (status: Int, text: String) {
    let health = consumer.health
    return (health.isStalled ? 503 : 200, "\(health)")
}

/// What somebody wants to know who sees a lag grow.
@Sendable func explain(_ topic: String) async throws {
    print(try await consumer.snapshot())
    print(try await consumer.why(topic, 0))
}
