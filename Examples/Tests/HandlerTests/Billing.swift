import Synchronization
import XKafka

/// What the tests beside it are about: bills each order once, and sends its invoice.
final class Billing: Sendable {
    struct Unreadable: PermanentError {}

    private let producer: Producer
    private let billed = Mutex<[String: Int]>([:])

    init(producer: Producer) {
        self.producer = producer
    }

    /// What was billed, by order.
    var accounts: [String: Int] { billed.withLock { $0 } }

    /// The handler. It may be called again with a message that it has handled before.
    func handle(_ message: ConsumeContext) async throws {
        guard let key = message.key, let value = message.value else { return }  // a tombstone
        let order = String(key)
        guard let amount = Int(String(value)) else { throw Unreadable() }
        guard billed.withLock({ $0[order] == nil }) else { return }  // delivered before
        try await producer.produce(ProduceMessage(topic: "invoices", key: key, value: value))
        billed.withLock { $0[order] = amount }
    }

    /// How the service reads its orders.
    static func config(brokers: [String]) -> GroupConsumerConfig {
        var config = GroupConsumerConfig(brokers: brokers, groupID: "billing", topics: ["orders"])
        config.processing.retry = RetryConfig(maxRetries: 2, jitter: false)
        config.processing.exhaustedPolicy = .dlqCommit
        config.processing.deadLetters = DeadLetterConfig(topic: "orders-dlq")
        return config
    }
}
