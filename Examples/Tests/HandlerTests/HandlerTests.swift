import Testing
import XKafka
import XKafkaTesting

/// Testing a handler without a broker.
@Suite(.timeLimit(.minutes(1))) struct HandlerTests {
    private let transport = RecordingTransport()
    private let producer: Producer
    private let billing: Billing

    init() throws {
        producer = try Producer(ProducerConfig(brokers: []), transport: transport)
        billing = Billing(producer: producer)
    }

    /// A handler is a function of a message, and a message can be made by hand.
    @Test func anOrderIsBilled() async throws {
        let message = ConsumeContext(
            topic: "orders",
            partition: 3,
            offset: 17,
            key: "order-1",
            value: "250",
            headers: ["origin": "shop"],
            timestamp: MessageTimestamp(millisecondsSinceEpoch: 1_700_000_000_000)
        )
        try await billing.handle(message)
        #expect(billing.accounts == ["order-1": 250])
        #expect(transport.sent == [ProduceMessage(topic: "invoices", key: "order-1", value: "250")])
    }

    /// With the configuration of the service: its middleware, retries and dead letters. No pause is waited for.
    @Test func anOrderIsTriedAgain() async throws {
        transport.fail(with: .topicAuthorizationFailed, times: 2)  // until somebody has granted it
        let consumer = TestConsumer(Billing.config(brokers: [])) { try await billing.handle($0) }
        let outcome = await consumer.handle(ConsumeContext(topic: "orders", key: "order-1", value: "250"))
        #expect(outcome.isCompleted && outcome.attempts == 3)
        #expect(outcome.pauses == [.milliseconds(100), .milliseconds(200)])
        #expect(transport.attempts.count == 3 && transport.sent.count == 1)
    }

    @Test func anOrderThatCannotBeReadIsADeadLetter() async throws {
        let consumer = TestConsumer(Billing.config(brokers: [])) { try await billing.handle($0) }
        let outcome = await consumer.handle(ConsumeContext(topic: "orders", key: "order-1", value: "a lot"))
        #expect(outcome.deadLetter?.error is Billing.Unreadable)
        #expect(outcome.attempts == 1, "trying again would be of no use")
    }

    /// What is delivered twice has its effect once: one message at once again, and all of them as after a crash.
    @Test func duplicatesAreBilledOnce() async throws {
        let orders = (1...3).map { ConsumeContext(topic: "orders", offset: $0, key: "order-\($0)", value: "100") }
        let consumer = TestConsumer(handlers: [DeliverTwice()]) { try await billing.handle($0) }
        let outcomes = await consumer.handle(orders + orders)
        #expect(outcomes.allSatisfy { $0.isCompleted })
        #expect(transport.sent.count == 3)
    }

    /// A chain composed by hand waits on a clock of one's choice.
    @Test func chainsWaitOnAVirtualClock() async throws {
        let clock = VirtualClock()
        let stamp = ProduceMiddleware { message, next in
            var message = message
            message.message.headers.append("attempt", "\(message.attempt)")
            return try await next(message)
        }
        let retry = try ProduceRetry(RetryConfig(maxRetries: 5, jitter: false), clock: clock)
        let produce = composeProduce([retry, stamp], transport.send)
        transport.fail(with: .notEnoughReplicas, times: 3)
        let result = try await produce(ProduceContext(ProduceMessage(topic: "invoices", key: "order-1", value: "250")))
        #expect(result.attempt == 4)
        #expect(clock.sleeps == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(transport.sent.map(\.headers) == [["attempt": "4"]])
    }
}
