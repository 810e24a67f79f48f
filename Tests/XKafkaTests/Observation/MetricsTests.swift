import CoreMetrics
import MetricsTestKit
import Testing
import XKafkaTesting
import XKafkaTestingInternal

@testable import XKafka

/// Each metric of the table at `MetricsConfig` moves as it says.
@Suite(.timeLimit(.minutes(2))) struct MetricsTests {
    private struct Failure: Error {}

    private let metrics = TestMetrics()

    private func config() -> MetricsConfig {
        MetricsConfig(
            factory: metrics,
            dimensions: ["team": "billing"],
            interval: .milliseconds(100),
            statisticsInterval: .milliseconds(100)
        )
    }

    private func value(_ name: String, _ more: [(String, String)] = []) -> Double? {
        let meters = metrics.meters(label: "xkafka_\(name)").filter { meter in
            more.allSatisfy { label in meter.dimensions.contains { $0 == label } }
        }
        return meters.first?.lastValue
    }

    private func total(_ name: String, _ more: [(String, String)] = []) -> Int64 {
        metrics.counters(label: "xkafka_\(name)").filter { counter in
            more.allSatisfy { label in counter.dimensions.contains { $0 == label } }
        }.reduce(0) { $0 + $1.totalValue }
    }

    private func times(_ name: String) -> [Int64] {
        metrics.timers(label: "xkafka_\(name)").flatMap(\.values)
    }

    private func until(_ what: String, _ isMet: @escaping @Sendable () -> Bool) async throws {
        do {
            try await eventually(within: .seconds(15), what) { isMet() }
        } catch {
            for meter in metrics.meters { print(meter.label, meter.dimensions, meter.lastValue ?? -1) }
            for counter in metrics.counters { print(counter.label, counter.dimensions, counter.totalValue) }
            throw error
        }
    }

    private struct Publisher: DeadLetterPublisher {
        func publish(_ letter: DeadLetter) async throws {}
    }

    @Test func aPartitionConsumerMovesThem() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<100).map { ProduceMessage(key: "k\($0 % 10)", value: "v") }
        )
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.metrics = self.config()
        config.processing.commitInterval = .milliseconds(20)
        config.processing.retry.maxRetries = 1
        config.processing.retry.initialBackoff = .milliseconds(1)
        config.processing.exhaustedPolicy = .dlqCommit
        config.processing.deadLetters = DeadLetterConfig(publisher: Publisher())
        let consumer = try PartitionConsumer(config)
        let gate = Gate()
        try await running(
            consumer,
            { message in
                if message.key == "k3" { try await gate.pass() }
                if message.offset == 4 { throw Failure() }
            }
        ) {
            try await until("the others") {
                total("consumer_processed") == 89 && value("consumer_in_flight") == 10
                    && value("consumer_running") == 1 && value("consumer_queued") == 9
                    && value("consumer_parked") == 0 && value("consumer_bytes_held") == 30
                    && value("consumer_completed_beyond_frontier") == 87 && value("consumer_partitions") == 1
                    && value("consumer_shard_messages_max") == 10
                    && value("consumer_shard_messages_mean") == 10.0 / 32 && value("consumer_health") == 0
            }
            #expect(total("consumer_failed") == 2 && total("consumer_retried") == 1)
            #expect(total("consumer_dead_lettered") == 1)
            #expect(times("consumer_handler_time").count == 91 && times("consumer_end_to_end_age").count == 89)
            let ages = times("consumer_end_to_end_age")
            #expect(ages.allSatisfy { $0 >= 0 && $0 < 60_000_000_000 })
            let partition = [("topic", "orders"), ("partition", "0"), ("team", "billing")]
            try await until("lag") { value("consumer_lag", partition) == 97 }
            try await until("a commit") { !times("consumer_commit_time").isEmpty }
            try await until("age") { (value("consumer_frontier_age_seconds") ?? 0) > 1 }
            try await until("statistics") {
                value("consumer_brokers_up") == 1 && (value("consumer_broker_round_trip_seconds") ?? 0) > 0
            }
            try await until("the rest of them") {
                (value("consumer_broker_round_trip_p99_seconds") ?? 0) > 0 && value("consumer_prefetched") == 0
            }
            gate.open()
            try await until("the end") { total("consumer_processed") == 99 && value("consumer_in_flight") == 0 }
            try await until("no lag") {
                value("consumer_lag", partition) == 0 && value("consumer_frontier_age_seconds") == 0
                    && value("consumer_completed_beyond_frontier") == 0
            }
        }
        #expect(total("consumer_commit_failures") == 0)
        #expect(times("consumer_drain_time").count == 1)
        #expect(value("consumer_health") == 2 && value("consumer_partitions") == 0)
        #expect(metrics.meters(label: "xkafka_consumer_lag").isEmpty, "not assigned any more")
        let labels = metrics.meters.flatMap(\.dimensions) + metrics.counters.flatMap(\.dimensions)
        #expect(!labels.contains { $0.1.hasPrefix("k") })
    }

    @Test func lagsOfManyPartitionsShareOne() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 5])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        for partition in Int32(0)..<5 {
            var message = ProduceMessage(key: "k", value: "v")
            message.partition = partition
            try await producer.produceBatch([message, message])
        }
        await producer.close()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.partitions = Array(0..<5)
        config.metrics = self.config()
        config.metrics?.partitionLimit = 2
        let gate = Gate()
        try await running(try PartitionConsumer(config), { _ in try await gate.pass() }) {
            try await until("the lags") {
                value("consumer_lag", [("partition", "other")]) == 6 && value("consumer_lag", [("partition", "1")]) == 2
            }
            try await until("three of them") { metrics.meters(label: "xkafka_consumer_lag").count == 3 }
            gate.open()
        }
    }

    private struct BrokenStore: OffsetStore {
        func load(_ partition: TopicPartition) async throws -> Int64? { nil }
        func save(_ offset: Int64, for partition: TopicPartition) async throws { throw Failure() }
    }

    @Test func failingCommitsAndParkedMessagesAreCounted() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<4).map { ProduceMessage(key: "k\($0)", value: "v") })
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: BrokenStore())
        config.metrics = self.config()
        config.processing.commitInterval = .milliseconds(5)
        config.processing.retry.initialBackoff = .seconds(60)
        config.processing.retry.maxBackoff = .seconds(60)
        try await running(try PartitionConsumer(config), { if $0.offset > 0 { throw Failure() } }) {
            try await until("failures") { total("consumer_commit_failures") > 0 && value("consumer_parked") == 3 }
            try await until("health") { value("consumer_health") == 1 }
            try await until("nothing to run") {
                value("consumer_in_flight") == 0 && value("consumer_running") == 0
            }
        }
    }

    /// What does not fit into the metadata of a commit is known to be missing there.
    @Test func aGroupMovesThemToo() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<20).map { ProduceMessage(key: "k\($0)", value: "v") })
        defer { broker.stop() }
        var config = GroupConsumerConfig.testing(broker, group: "billing", topics: ["orders"])
        config.metrics = self.config()
        config.offsetMetadataLimit = 0
        config.processing.commitInterval = .milliseconds(20)
        let gate = Gate()
        try await running(try GroupConsumer(config), { if $0.offset == 5 { try await gate.pass() } }) {
            try await until("what is not told") { value("consumer_completed_untold", [("group", "billing")]) == 14 }
            #expect(total("consumer_rebalances", [("group", "billing")]) == 1)
            gate.open()
            try await until("the end") { total("consumer_processed") == 20 && value("consumer_completed_untold") == 0 }
        }
        #expect(!times("consumer_drain_time").isEmpty)
    }

    @Test func aProducerMovesThem() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.metrics = self.config()
        config.maxMessageBytes = 1_000
        config.retry.maxRetries = 0
        let producer = try Producer(config)
        try await producer.produceBatch((0..<10).map { ProduceMessage(key: "k", value: "\($0)") })
        _ = try await producer.produceBatchReport([ProduceMessage(key: "k", value: "10")])
        let large = ProduceMessage(key: "k", value: MessageBytes(Array(repeating: UInt8(0), count: 2_000)))
        await #expect(throws: (any Error).self) { try await producer.produce(large) }
        #expect(total("producer_acknowledged") == 11 && total("producer_failed", [("class", "permanent")]) == 1)
        #expect(total("producer_failed") == 1)
        #expect(times("producer_ack_time").count == 11 && times("producer_batch_time").count == 2)
        try await until("statistics") {
            value("producer_brokers_up") == 1 && (value("producer_broker_round_trip_seconds") ?? 0) > 0
                && (value("producer_broker_round_trip_p99_seconds") ?? 0) > 0
                && (value("producer_batching_seconds") ?? 0) > 0 && (value("producer_request_queue_seconds") ?? -1) >= 0
        }
        try await until("health") { value("producer_health") == 0 }
        await producer.close()
        try await until("the end") { value("producer_health") == 2 }
    }

    @Test func whatAProducerHoldsBackIsShown() async throws {
        let gate = Gate()
        var config = ProducerConfig(brokers: [], defaultTopic: "orders", logger: testLogger)
        config.metrics = self.config()
        config.dispatch.maxInFlight = 1
        config.retry.maxRetries = 0
        config.exhaustedPolicy = .stop
        let producer = try Producer(
            config,
            transport: ScriptedTransport { value, _ in
                try await gate.pass()
                if value == "2" { throw Failure() }
            }
        )
        var futures: [ProduceFuture] = []
        for value in 0..<3 {
            futures.append(try await producer.produceAsync(ProduceMessage(key: "k", value: "\(value)")))
        }
        try await until("what waits") { value("producer_in_flight") == 3 && value("producer_queued") == 2 }
        gate.open()
        for future in futures { _ = try? await future.value }
        try await until("the end") { value("producer_in_flight") == 0 && value("producer_queued") == 0 }
        #expect(total("producer_acknowledged") == 2 && total("producer_failed", [("class", "other")]) == 1)
        await producer.close()
    }

    @Test func statisticsThatAreOddDoNoHarm() throws {
        #expect(LibrdkafkaStatistics([]) == nil)
        #expect(LibrdkafkaStatistics(Array("{\"brokers\": 7}".utf8)) == nil)
        let empty = try #require(LibrdkafkaStatistics(Array("{}".utf8)))
        #expect(empty.brokersUp == 0 && empty.prefetched == 0 && empty.average(\.rtt) == nil)
        let text = """
            {"brokers": {"a": {"nodeid": 1, "source": "learned", "state": "UP", "rtt": {"avg": 2000, "p99": 9000, "cnt": 3}},
                         "b": {"nodeid": 2, "source": "learned", "state": "DOWN", "rtt": {"avg": 6000, "p99": 5000, "cnt": 1}},
                         "c": {"nodeid": 1, "source": "logical", "state": "UP", "rtt": {"avg": -1, "cnt": 0}}},
             "topics": {"t": {"partitions": {"0": {"fetchq_cnt": 4}, "-1": {"fetchq_cnt": 1}}}, "u": {}}}
            """
        let statistics = try #require(LibrdkafkaStatistics(Array(text.utf8)))
        #expect(statistics.brokersUp == 1 && statistics.prefetched == 5)
        #expect(statistics.average(\.rtt) == 0.003 && statistics.slowestRoundTrip == 0.009)
    }
}
