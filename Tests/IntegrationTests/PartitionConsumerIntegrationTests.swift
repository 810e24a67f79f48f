import Foundation
import GRDB
import Testing
import XKafka
import XKafkaSQLite
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(3)))
struct PartitionConsumerIntegrationTests {
    /// R1 when a topic is deleted and made anew under a consumer: the new messages have old offsets.
    @Test func topicMadeAnewIsReadFromItsStart() async throws {
        try await RealCluster.withTopic(partitions: 1) { topic in
            var config = PartitionConsumerConfig(brokers: RealCluster.brokers, topic: topic, logger: RealCluster.logger)
            config.librdkafkaProperties = ["fetch.wait.max.ms": "50", "topic.metadata.refresh.interval.ms": "500"]
            let seen = Collector<String>()
            let consumer = try PartitionConsumer(config)
            let consuming = Task { try await consumer.consume { seen.add($0.value.map { String($0) } ?? "") } }
            let before = try RealCluster.producer(topic)
            try await before.produceBatch((0..<50).map { ProduceMessage(key: "k", value: "old \($0)") })
            await before.close()
            try await seen.wait(forCount: 50)

            try await RealCluster.makeAnew(topic)
            let after = try RealCluster.producer(topic)
            try await after.produceBatch((0..<20).map { ProduceMessage(key: "k", value: "new \($0)") })
            await after.close()
            try await seen.wait(forCount: 70)
            await consumer.close()
            _ = try await consuming.value
            #expect(seen.values.suffix(20) == (0..<20).map { "new \($0)" }[...])
            let partition = TopicPartition(topic: topic, partition: 0)
            #expect(try await config.offsetStore.load(partition) == 20)
        }
    }

    @Test func resumesWhereItLeftOff() async throws {
        try await RealCluster.withTopic(partitions: 2) { topic in
            let producer = try RealCluster.producer(topic)
            let store = MemoryOffsetStore()
            let seen = Collector<ConsumeContext>()
            var config = PartitionConsumerConfig(
                brokers: RealCluster.brokers,
                topic: topic,
                partition: 1,
                offsetStore: store,
                logger: RealCluster.logger
            )
            config.librdkafkaProperties = ["fetch.wait.max.ms": "50"]
            let consumer = try PartitionConsumer(config)
            for round in 1...3 {
                try await producer.produceBatch(
                    (0..<500).map { ProduceMessage(key: "k\($0 % 9)", value: "\($0)", partition: 1) }
                )
                let consuming = Task { try await consumer.consume { seen.add($0) } }
                try await seen.wait(forCount: round * 500)
                consuming.cancel()
                #expect(try await consuming.value.commitError == nil)
                #expect(try await store.load(TopicPartition(topic: topic, partition: 1)) == Int64(round * 500))
            }
            await producer.close()
            #expect(seen.values.map(\.offset).sorted() == Array(0..<1_500), "nothing lost, nothing twice")
        }
    }

    /// Offsets by time, which the embedded broker cannot look up.
    @Test func startsAtATime() async throws {
        try await RealCluster.withTopic(partitions: 2) { topic in
            let count = 20
            let oldest = Int64(Date.now.timeIntervalSince1970 * 1_000) - 3_600_000
            let producer = try RealCluster.producer(topic)
            // One message each second in partition 1, and in partition 0 half of them.
            try await producer.produceBatch(
                (0..<count).flatMap { number in
                    (number % 2 == 0 ? [0, 1] : [1]).map { partition in
                        ProduceMessage(
                            key: "k",
                            value: "\(number)",
                            timestamp: oldest + Int64(number) * 1_000,
                            partition: partition
                        )
                    }
                }
            )
            await producer.close()
            let cases: [(String, Int64, [Int32: [Int64]])] = [
                ("at a message", oldest + 6_000, [0: Array(3..<10), 1: Array(6..<20)]),
                ("between two", oldest + 6_001, [0: Array(4..<10), 1: Array(7..<20)]),
                ("before all", oldest - 1, [0: Array(0..<10), 1: Array(0..<20)]),
                ("the beginning of time", 0, [0: Array(0..<10), 1: Array(0..<20)]),
                ("behind one partition's last", oldest + 19_000, [1: [19]]),
                ("behind all", oldest + 60_000, [:]),
            ]
            for (place, time, expected) in cases {
                var config = PartitionConsumerConfig(
                    brokers: RealCluster.brokers,
                    topic: topic,
                    partitions: [0, 1],
                    start: .timestamp(time),
                    logger: RealCluster.logger
                )
                config.end = .untilEnd
                config.librdkafkaProperties = ["fetch.wait.max.ms": "50"]
                let seen = Collector<ConsumeContext>()
                let consumer = try PartitionConsumer(config)
                try await withDeadline(.seconds(30), place) { _ = try await consumer.consume { seen.add($0) } }
                let offsets = Dictionary(grouping: seen.values, by: \.partition).mapValues { $0.map(\.offset) }
                #expect(offsets == expected, "\(place)")
            }

            // Where the store knows better, the time does not count.
            let store = MemoryOffsetStore()
            try await store.save(2, for: TopicPartition(topic: topic, partition: 1))
            var config = PartitionConsumerConfig(
                brokers: RealCluster.brokers,
                topic: topic,
                partition: 1,
                start: .timestamp(oldest + 6_000),
                offsetStore: store,
                logger: RealCluster.logger
            )
            config.end = .untilEnd
            let consumer = try PartitionConsumer(config)
            let seen = Collector<Int64>()
            try await withDeadline(.seconds(30), "the end") { _ = try await consumer.consume { seen.add($0.offset) } }
            #expect(seen.values == Array(2..<20))
        }
    }

    /// A topic is deleted and made anew under transactions: the new messages, which have old offsets, have their
    /// effects too, and once.
    @Test func transactionsNoticeThatTheTopicWasMadeAnew() async throws {
        try await RealCluster.withTopic(partitions: 1) { topic in
            let database = try DatabaseQueue()
            try await database.write { try $0.execute(sql: "CREATE TABLE effect (value TEXT NOT NULL)") }
            @Sendable func effects() async throws -> [String] {
                try await database.read { try String.fetchAll($0, sql: "SELECT value FROM effect ORDER BY value") }
            }
            let store = SQLiteOffsetStore(database)
            var config = PartitionConsumerConfig(
                brokers: RealCluster.brokers,
                topic: topic,
                offsetStore: store,
                logger: RealCluster.logger
            )
            config.librdkafkaProperties = ["fetch.wait.max.ms": "50", "topic.metadata.refresh.interval.ms": "500"]
            config.processing.commitInterval = .milliseconds(20)
            let consumer = try PartitionConsumer(config)
            let consuming = Task {
                try await consumer.consume(in: store) { message, db in
                    let value = message.value.map { String($0) }
                    try db.execute(sql: "INSERT INTO effect VALUES (?)", arguments: [value])
                }
            }
            defer { consuming.cancel() }
            func send(_ name: String, _ count: Int) async throws -> [String] {
                let values = (0..<count).map { "\(name) \($0 + 100)" }
                let producer = try RealCluster.producer(topic)
                try await producer.produceBatch(values.map { ProduceMessage(key: "k\($0)", value: "\($0)") })
                await producer.close()
                return values
            }
            let old = try await send("a", 50)
            try await eventually("the old messages") { try await effects() == old }

            try await RealCluster.makeAnew(topic)
            let new = try await send("b", 20)
            try await eventually("the new messages") { try await effects().count >= 70 }
            await consumer.close()
            _ = try await consuming.value
            #expect(try await effects() == old + new)
            let partition = TopicPartition(topic: topic, partition: 0)
            #expect(try await store.loadCheckpoint(partition) == Checkpoint(nextOffset: 20))
        }
    }
}
