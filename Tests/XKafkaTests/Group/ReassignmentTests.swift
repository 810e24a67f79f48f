import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Partitions are taken away and come back while librdkafka holds messages of them that nobody has read.
@Suite(.timeLimit(.minutes(3))) struct ReassignmentTests {
    /// librdkafka announces only the first message of a queue, and what is left over from before may hide
    /// that: the sweep would find such messages later, and has nothing to find.
    @Test func unreadMessagesAreAnnouncedAfterEachReassignment() async throws {
        let partitions = 4
        let total = 4_000
        let broker = try await EmbeddedBroker.withOrders(
            partitions: partitions,
            (0..<total).map { ProduceMessage(key: "k\($0 % 200)", value: "\($0)") }
        )
        defer { broker.stop() }
        // Few messages in hand, so that most of what was fetched is in librdkafka's queues.
        var config = GroupConsumerConfig.testing(
            broker,
            topics: ["orders"],
            processing: ProcessingConfig(shardCount: 1, shardQueueSize: 32)
        )
        config.processing.maxConcurrentHandlers = 8
        config.processing.commitInterval = .milliseconds(100)
        let assigned = Collector<[TopicPartition]>()
        config.onAssigned = { assigned.add($0) }
        let ledger = HandlerLedger()
        let consumer = try GroupConsumer(config)
        let pace = Pace()
        let report = try await running(
            consumer,
            { message in
                try await ledger.handle(message) { await pace.wait() }
            },
            while: {
                for round in 1...2 {
                    // Work of this assignment in all partitions, and much that is unread.
                    try await ledger.done.wait(for: "work of all partitions") { done in
                        let epochs = Set(done.map(\.epoch))
                        return epochs.count >= round * partitions
                    }
                    try #require(ledger.doneCount < total / 2)
                    try broker.inject(.fail(.heartbeat, with: .rebalanceInProgress))
                    try await assigned.wait(forCount: round + 1)
                }
                pace.hurry()
                try await eventually("every message to be handled") { ledger.doneCount == total }
            }
        )
        print("reassigned twice: \(ledger.duplicates) of \(total) messages handled twice")
        #expect(consumer.sweepFinds == 0)
        #expect(ledger.disorder == [])
        #expect(report.returned > 0, "something was in hand when the partitions were taken away")
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(
            try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders")
                == inspector.endOffsets(of: "orders")
        )
    }
}
