import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Health in troubles that are real.
@Suite(.timeLimit(.minutes(2))) struct HealthTests {
    private func eventually<Problem>(
        _ health: @escaping @Sendable () -> Health<Problem>,
        _ what: String,
        _ isMeant: @escaping @Sendable (Health<Problem>) -> Bool
    ) async throws {
        do {
            try await XKafkaTestingInternal.eventually(within: .seconds(20), what) { isMeant(health()) }
        } catch {
            Issue.record("\(error), was: \(health())")
            throw error
        }
    }

    @Test func aBlockedKeyDegradesAndStallsInTheEnd() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<9).map { ProduceMessage(key: "k\($0)", value: "v") })
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.health = HealthConfig(degradedAfter: .seconds(1), stalledAfter: .seconds(3))
        let consumer = try PartitionConsumer(config)
        #expect(consumer.health.isStalled)
        let gate = Gate()
        try await running(consumer, { if $0.offset == 4 { try await gate.pass() } }) {
            for isStall in [false, true] {
                try await eventually({ consumer.health }, "the frontier to be missed") { health in
                    (isStall ? health.isStalled : health.isDegraded)
                        && health.reasons.contains {
                            if case .frontierStandsStill(let position, _, 1) = $0 {
                                position.offset == 4
                            } else {
                                false
                            }
                        }
                }
            }
            gate.open()
            try await eventually({ consumer.health }, "health") { $0.isHealthy }
        }
        #expect(consumer.health.isStalled)
    }

    /// No second passes between the two: who sees the one sees the other.
    @Test func aSettledAssignmentIsHealthyAtOnce() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 2])
        defer { broker.stop() }
        let consumer = try GroupConsumer(.testing(broker, topics: ["orders"]))
        try await running(consumer, { _ in }) {
            #expect(!consumer.health.isHealthy)
            try await XKafkaTestingInternal.eventually("the assignment") { try await consumer.snapshot().isSettled }
            #expect(consumer.health.isHealthy, "\(consumer.health)")
        }
    }

    @Test func aBrokenStoreIsAReason() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        let store = BrokenStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.commitInterval = .milliseconds(5)
        let consumer = try PartitionConsumer(config)
        try await running(consumer, { _ in }) {
            try await eventually({ consumer.health }, "the store to be missed") { health in
                health.isDegraded
                    && health.reasons.contains {
                        if case .offsetStoreFails(_, let error) = $0 { error is BrokenStore.Failure } else { false }
                    }
            }
            store.mend()
            try await eventually({ consumer.health }, "health") { $0.isHealthy }
        }
    }

    /// Nothing is read or sent when the broker is back: it is noticed all the same.
    @Test func aDeadBrokerIsAReason() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1], in: .childProcess)
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produce(ProduceMessage(key: "k", value: "v"))
        #expect(producer.health.isHealthy)
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders"))
        let seen = Collector<Int64>()
        try await running(consumer, { seen.add($0.offset) }) {
            try await seen.wait(forCount: 1)
            try await eventually({ consumer.health }, "health") { $0.isHealthy }
            consumer.pause()
            try broker.inject(.brokerDown())
            try await eventually({ consumer.health }, "the brokers to be missed") { health in
                health.reasons.contains { if case .brokersDown = $0 { true } else { false } }
            }
            try await eventually({ producer.health }, "the brokers to be missed") { health in
                health.reasons.contains { if case .brokersDown = $0 { true } else { false } }
            }
            try broker.inject(.brokerUp())
            try await eventually({ consumer.health }, "health") { $0.isHealthy }
            try await eventually({ producer.health }, "health") { $0.isHealthy }
        }
        await producer.close()
        #expect(producer.health.isStalled)
    }

    @Test func anUnknownTopicIsAReason() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        try broker.inject(.topicError("missing", .unknownTopicOrPartition))
        var config = GroupConsumerConfig.testing(broker, topics: ["orders", "missing"])
        config.librdkafkaProperties["topic.metadata.refresh.interval.ms"] = "100"
        let consumer = try GroupConsumer(config)
        let seen = Collector<Int64>()
        try await running(consumer, { seen.add($0.offset) }) {
            try await seen.wait(forCount: 1)
            try await eventually({ consumer.health }, "the topic to be missed") { health in
                health.reasons.count == 1
                    && health.reasons.contains { if case .unknownTopics(["missing"]) = $0 { true } else { false } }
            }
        }
    }

    @Test func aProducerThatIsStuckSaysSo() async throws {
        let gate = Gate()
        var config = ProducerConfig(brokers: [], defaultTopic: "orders", logger: testLogger)
        config.maxInFlightMessages = 1
        config.health = HealthConfig(degradedAfter: .milliseconds(300), stalledAfter: .seconds(1))
        let producer = try Producer(config, transport: ScriptedTransport { _, _ in try await gate.pass() })
        #expect(producer.health.isHealthy)
        let future = try await producer.produceAsync(ProduceMessage(key: "k", value: "1"))
        let waiting = Task { try await producer.produceAsync(ProduceMessage(key: "k", value: "2")) }
        try await eventually({ producer.health }, "a stall") { health in
            health.isStalled && health.reasons.contains { if case .full = $0 { true } else { false } }
                && health.reasons.contains { if case .messageUnacknowledged = $0 { true } else { false } }
        }
        gate.open()
        _ = try await future.value
        _ = try await waiting.value.value
        #expect(producer.health.isHealthy)
        await producer.close()
    }
}
