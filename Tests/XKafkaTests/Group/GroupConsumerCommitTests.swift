import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What is committed, and what the next owner makes of it.
@Suite(.timeLimit(.minutes(3))) struct GroupConsumerCommitTests {
    /// R1: what stands behind an unfinished message is not committed past it.
    @Test func unfinishedMessageHoldsTheCommitAndNobodyElse() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<100).map { ProduceMessage(key: "k\($0 % 10)", value: "\($0)") }
        )
        defer { broker.stop() }

        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.commitInterval = .milliseconds(20)
        config.processing.drainDeadline = .milliseconds(100)
        let seen = Collector<Seen>()
        let report = try await running(
            try GroupConsumer(config),
            { message in
                // Key k3 is stuck until it is cancelled; the others go on (R4).
                if message.key == "k3" { try await Task.sleep(for: .seconds(600)) }
                seen.add(Seen(message))
            },
            while: {
                try await seen.wait(forCount: 90)
                let inspector = ClusterInspector(brokers: broker.brokers)
                try await eventually("the commit") { [group = config.groupID] in
                    try await inspector.committedOffsets(ofGroup: group, topic: "orders") == [0: 3]
                }
            }
        )
        #expect(report.completed == 90)
        #expect(report.toBeRepeated == 0, "what is completed beyond the commit is remembered beside it")
        #expect(report.unfinished == [3])
        #expect(report.returned == 9)
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == [0: 3])

        // The next owner handles what is left of the stuck key, and nothing else.
        let rest = Collector<Int64>()
        let second = try await running(try GroupConsumer(config), { rest.add($0.offset) }) {
            try await rest.wait(forCount: 10)
        }
        #expect(rest.values == [3, 13, 23, 33, 43, 53, 63, 73, 83, 93])
        #expect(second.completed == 10)
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == [0: 100])
    }

    /// Brokers that take less metadata than configured: the offset alone is committed, and what was
    /// completed beyond it is handled again.
    @Test func refusedMetadataDoesNotKeepOffsetsFromBeingCommitted() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<20).map { ProduceMessage(key: "k\($0 % 2)", value: "\($0)") }
        )
        defer { broker.stop() }
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.drainDeadline = .milliseconds(100)
        config.processing.commitInterval = .seconds(60)
        // The first commit is refused, whatever it says; none after it carries metadata.
        try broker.inject(.fail(.offsetCommit, with: .offsetMetadataTooLarge))
        let seen = Collector<Int64>()
        let report = try await running(
            try GroupConsumer(config),
            { message in
                if message.offset == 5 { try await Task.sleep(for: .seconds(600)) }
                seen.add(message.offset)
            },
            while: {
                try await seen.wait(forCount: 12)
            }
        )
        #expect(report.commitError == nil)
        #expect(report.toBeRepeated == 7)
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == [0: 5])
    }

    /// Metadata of another program, and an answer that comes only at the third time.
    @Test func foreignMetadataAndFailingLookupsAreSurvived() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<6).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        let config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        let partition = TopicPartition(topic: "orders", partition: 0)
        try await ClusterInspector(brokers: broker.brokers)
            .commit(2, metadata: "somebody else's", of: partition, group: config.groupID)
        try broker.inject(.fail(.offsetFetch, with: .coordinatorLoadInProgress, times: 2))
        let seen = Collector<Int64>()
        try await running(try GroupConsumer(config), { seen.add($0.offset) }) { try await seen.wait(forCount: 4) }
        #expect(seen.values == [2, 3, 4, 5])
    }

    @Test func coordinatorMayMove() async throws {
        let broker = try EmbeddedBroker.start(brokers: 3, topics: ["orders": 3])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        let config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        let seen = Collector<Int64>()
        try broker.inject(.moveCoordinator(ofGroup: config.groupID, to: 1))
        try await running(try GroupConsumer(config), { seen.add($0.offset) }) {
            try await producer.produceBatch((0..<50).map { ProduceMessage(key: "a\($0)", value: "x") })
            try await seen.wait(forCount: 50)
            try broker.inject(.moveCoordinator(ofGroup: config.groupID, to: 2))
            try await producer.produceBatch((0..<50).map { ProduceMessage(key: "b\($0)", value: "x") })
            try await seen.wait(forCount: 100)
        }
        await producer.close()
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(
            try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders")
                == inspector.endOffsets(of: "orders")
        )
    }

    /// R1 after a topic was deleted and made anew: the committed offset is beyond its end.
    @Test func commitBeyondTheEndReadsTheLogFromItsStart() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<5).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        let config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        let inspector = ClusterInspector(brokers: broker.brokers)
        let partition = TopicPartition(topic: "orders", partition: 0)
        try await inspector.commit(1_000, metadata: "xk1rAegH", of: partition, group: config.groupID)
        let seen = Collector<Int64>()
        try await running(try GroupConsumer(config), { seen.add($0.offset) }) { try await seen.wait(forCount: 5) }
        #expect(seen.values == [0, 1, 2, 3, 4])
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == [0: 5])
    }
}
