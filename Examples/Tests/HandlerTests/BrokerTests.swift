import Testing
import XKafka
import XKafkaTesting

/// Testing a service on a broker inside the test.
@Suite(.timeLimit(.minutes(2))) struct BrokerTests {
    @Test func ordersAreBilledOnceOrDeadLettered() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 3, "orders-dlq": 1, "invoices": 1])
        defer { broker.stop() }
        let orders = (1...20).map { ProduceMessage(key: "order-\($0)", value: "100") }
        let unreadable = ProduceMessage(key: "order-21", value: "a lot")
        try await broker.publish(orders + [unreadable], to: "orders")

        let producer = try Producer(ProducerConfig(brokers: broker.brokers))
        let billing = Billing(producer: producer)
        var config = Billing.config(brokers: broker.brokers)
        config.sessionTimeout = .seconds(4)  // how long the embedded broker's rebalances take
        config.handlers.insert(DeliverTwice(), at: 0)
        let consumer = try GroupConsumer(config)
        let consuming = Task { try await consumer.consume { try await billing.handle($0) } }

        let inspector = ClusterInspector(brokers: broker.brokers)
        try await inspector.waitUntilCommitted(byGroup: "billing", topic: "orders")
        await consumer.close()
        await producer.close()
        let report = try await consuming.value

        #expect(report.completed == 20 && report.deadLettered == 1)
        #expect(billing.accounts.count == 20)
        #expect(try await inspector.messages(in: "invoices").count == 20, "one for each, however often it came")
        let letters = try await inspector.deadLetters(in: "orders-dlq")
        #expect(letters.map(\.message.key) == ["order-21"])
        #expect(letters.first?.attempts == 1)
        let committed = try await inspector.committedOffsets(ofGroup: "billing", topic: "orders")
        #expect(committed.values.reduce(0, +) == 21)
    }
}
