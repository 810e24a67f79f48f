import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What can be asked about the outcome of a test.
@Suite(.timeLimit(.minutes(2))) struct ClusterInspectorTests {
    struct Failure: Error {}

    private func orders(_ count: Int) -> [ProduceMessage] {
        (0..<count).map { ProduceMessage(key: "k\($0 % 5)", value: "\($0)") }
    }

    @Test func publishedMessagesAreRead() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 3, "empty": 2])
        defer { broker.stop() }
        let results = try await broker.publish(orders(20), to: "orders")
        let inspector = ClusterInspector(brokers: broker.brokers)
        let messages = try await inspector.messages(in: "orders")
        #expect(messages.count == 20)
        let places = messages.map { "\($0)" }
        #expect(Set(places) == Set(results.map { "\($0.topic):\($0.partition)@\($0.offset ?? -1)" }))
        let inOrder = messages.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
        #expect(places == inOrder.map { "\($0)" })
        #expect(try await inspector.messages(in: "empty").isEmpty)
        let error = await #expect(throws: ClusterInspectorError.self) {
            try await inspector.messages(in: "orders", limit: 19)
        }
        #expect(error?.description == "orders holds more than 19 messages")
        await #expect(throws: ProducerError.self) {
            try await broker.publish([ProduceMessage(topic: "orders", partition: 9)])
        }
    }

    @Test func waitsForAGroupAndItsDeadLetters() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 2, "orders-dlq": 1])
        defer { broker.stop() }
        try await broker.publish(orders(10), to: "orders")
        let inspector = ClusterInspector(brokers: broker.brokers)
        await #expect(throws: ClusterInspectorError.self) {
            try await inspector.waitUntilCommitted(byGroup: "billing", topic: "orders", within: .milliseconds(100))
        }
        var config = GroupConsumerConfig(brokers: broker.brokers, groupID: "billing", topics: ["orders"])
        config.sessionTimeout = .seconds(4)
        config.heartbeatInterval = .milliseconds(300)
        config.logger = RecordedLog().logger
        config.processing.retry = RetryConfig(maxRetries: 1, initialBackoff: .milliseconds(1))
        config.processing.exhaustedPolicy = .dlqCommit
        config.processing.deadLetters = DeadLetterConfig(topic: "orders-dlq")
        let consumer = try GroupConsumer(config)
        let consuming = Task {
            try await consumer.consume { message in
                if message.value == "3" { throw Failure() }
            }
        }
        // Something that is no dead letter.
        try await broker.publish([ProduceMessage(value: "x", headers: ["x-source-topic": "orders"])], to: "orders-dlq")
        try await inspector.waitUntilCommitted(byGroup: "billing", topic: "orders")
        let letters = try await inspector.deadLetters(in: "orders-dlq")
        #expect(letters.count == 1)
        let letter = try #require(letters.first)
        let failed = try await inspector.messages(in: "orders").first { $0.value == "3" }
        #expect(letter.message.value == "3" && "\(letter.source)" == failed.map { "\($0)" })
        #expect(letter.attempts == 2 && letter.group == "billing" && letter.errorType?.hasSuffix(".Failure") == true)
        await consumer.close()
        _ = try await consuming.value
    }

    /// R12: the headers of a dead letter may say anything.
    @Test func headersThatMakeNoSenseAreNoDeadLetter() {
        let good: MessageHeaders = ["x-source-topic": "orders", "x-source-partition": "0", "x-source-offset": "7"]
        func letter(_ change: (inout MessageHeaders) -> Void) -> ReceivedDeadLetter? {
            var headers = good
            change(&headers)
            return ReceivedDeadLetter(ConsumeContext(topic: "dlq", headers: headers))
        }
        #expect(letter { _ in }?.source.offset == 7)
        #expect(letter { $0.append("x-attempt", "many") }?.attempts == nil)
        for (index, value) in [(0, nil), (1, "-1"), (1, "99999999999"), (2, "-5"), (2, "1.5"), (2, [0xff])]
            as [(Int, MessageBytes?)]
        {
            #expect(letter { $0[index] = MessageHeader(name: $0[index].name, value: value) } == nil, "\(index)")
        }
    }

    @Test func brokerThatIsGoneIsAnError() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        let inspector = ClusterInspector(brokers: broker.brokers, timeout: .seconds(1))
        broker.stop()
        await #expect(throws: (any Error).self) { try await inspector.messages(in: "orders") }
        await #expect(throws: (any Error).self) {
            try await inspector.waitUntilCommitted(byGroup: "g", topic: "orders", within: .seconds(2))
        }
    }
}
