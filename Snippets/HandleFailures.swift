import XKafka

var config = GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
config.processing.retry = RetryConfig(maxRetries: 5, initialBackoff: .milliseconds(200))
config.processing.exhaustedPolicy = .dlqCommit
config.processing.deadLetters = DeadLetterConfig(topic: "orders-dlq")
config.processing.failureHook = { failure in
    print(failure.stage, failure.message, failure.error)
}

struct Unreadable: PermanentError {}

try await GroupConsumer(config).consume { message in
    // Trying this again would be of no use, so it is not.
    guard let value = message.value, !value.isEmpty else { throw Unreadable() }
    print(String(value))
}
