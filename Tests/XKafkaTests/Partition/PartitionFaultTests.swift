import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Brokers in trouble, one trouble after the other, while messages flow to a consumer without a group: all are
/// handled, once and in order, and in the end all are saved.
@Suite(.timeLimit(.minutes(3))) struct PartitionFaultTests {
    private func consume(
        through steps: [FaultTimeline],
        setUp: [Fault] = [],
        configure: (inout PartitionConsumerConfig) -> Void = { _ in }
    ) async throws {
        // In a process of its own, because brokers that go down do not get along with starting processes.
        let broker = try EmbeddedBroker.start(brokers: 3, topics: ["orders": 6], in: .childProcess)
        defer { broker.stop() }
        let store = WatchedStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.partitions = Array(0..<6)
        config.processing.commitInterval = .milliseconds(20)
        config.librdkafkaProperties["topic.metadata.refresh.interval.ms"] = "200"
        configure(&config)
        let ledger = HandlerLedger()
        let producer = try Producer(.testing(broker, topic: "orders"))
        let load = Load(producer, perTick: 4)
        for fault in setUp { try broker.inject(fault) }
        let consumer = try PartitionConsumer(config)
        let consuming = Task {
            try await consumer.consume { message in
                try await ledger.handle(message) { try await Task.sleep(for: .milliseconds(1)) }
                store.noteDone(message)
            }
        }
        try await ledger.started.wait(forCount: 20)
        for step in steps {
            try await broker.play(step)
            // Everything sent until now, and enough beyond that every partition has some of it.
            let sent = load.count + 60
            try await eventually("messages after \(step.entries.map(\.fault))") { ledger.doneCount >= sent }
        }
        _ = try await load.stop()
        let ends = try await ClusterInspector(brokers: broker.brokers).endOffsets(of: "orders")
        let total = Int(ends.values.reduce(0, +))
        try await eventually("every message to be handled") { ledger.doneCount >= total }
        consuming.cancel()
        let report = try await consuming.value
        await producer.close()
        #expect(report.commitError == nil)
        #expect(report.abandoned.isEmpty && report.cancelled.isEmpty)
        #expect(ledger.doneCount == total && ledger.duplicates == 0)
        #expect(ledger.disorder == [])
        #expect(store.problems == [])
        for (partition, end) in ends {
            #expect(try await store.load(TopicPartition(topic: "orders", partition: partition)) == end)
        }
    }

    @Test func brokersRestart() async throws {
        try await consume(
            through: (1...3).map { number in
                [.at(.zero, .brokerDown(number)), .at(.milliseconds(300), .brokerUp(number))]
            } + [[.at(.zero, .brokerDown()), .at(.milliseconds(300), .brokerUp())]]
        )
    }

    @Test func fetchesFailAndConnectionsBreak() async throws {
        try await consume(
            through: [
                [.at(.zero, .fail(.fetch, with: [.notLeaderForPartition, .leaderNotAvailable, .requestTimedOut]))],
                [.at(.zero, .fail(.fetch, with: .unknownTopicOrPartition, times: 2))],
                [.at(.zero, .disconnect(.fetch, times: 5))],
                [.at(.zero, .disconnect(.metadata, times: 3)), .at(.milliseconds(50), .disconnect(.fetch, times: 3))],
            ]
        )
    }

    /// The topic is unknown for a while, partitions have no leader, and then others.
    @Test func metadataIsLost() async throws {
        func leaders(_ broker: @escaping (Int32) -> Int?) -> [Fault] {
            (0..<6).map { .moveLeader(of: TopicPartition(topic: "orders", partition: $0), to: broker($0)) }
        }
        try await consume(
            through: [
                [
                    .at(.zero, .topicError("orders", .unknownTopicOrPartition)),
                    .at(.milliseconds(700), .topicError("orders", nil)),
                ],
                FaultTimeline(
                    leaders { _ in nil }.map { .at(.zero, $0) }
                        + leaders { Int($0) % 3 + 1 }.map { .at(.milliseconds(700), $0) }
                ),
                FaultTimeline(leaders { Int($0 + 1) % 3 + 1 }.map { .at(.zero, $0) }),
                [.at(.zero, .fail(.metadata, with: .leaderNotAvailable, times: 3)), .at(.zero, .disconnect(.fetch))],
            ]
        )
    }

    /// Starting takes as long as it has to.
    @Test func startingFails() async throws {
        try await consume(
            through: [[.at(.zero, .disconnect(.fetch))]],
            setUp: [
                .disconnect(.metadata, times: 2),
                .fail(.listOffsets, with: [.notLeaderForPartition, .leaderNotAvailable, .requestTimedOut]),
            ]
        )
    }

    /// Where the partitions end is asked until it is answered.
    @Test func askingForTheEndFails() async throws {
        let total = 300
        let broker = try await EmbeddedBroker.withOrders(
            partitions: 3,
            (0..<total).map { ProduceMessage(key: "k\($0)", value: "\($0)") }
        )
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.partitions = [0, 1, 2]
        config.end = .untilEnd
        try broker.inject(.fail(.listOffsets, with: [.notLeaderForPartition, .leaderNotAvailable, .requestTimedOut]))
        try broker.inject(.disconnect(.metadata, times: 2))
        let seen = Collector<Int64>()
        let consumer = try PartitionConsumer(config)
        let report = try await withDeadline(.seconds(60), "the end") {
            try await consumer.consume { seen.add($0.offset) }
        }
        #expect(report.completed == total)
        #expect(seen.values.count == total)
    }
}
