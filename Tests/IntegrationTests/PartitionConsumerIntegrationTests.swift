import Testing
import XKafka
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

            try await RealCluster.inspector.deleteTopic(topic)
            try await eventually("the topic to be gone") {
                do {
                    try await RealCluster.inspector.createTopic(topic, partitions: 1)
                    return true
                } catch is KafkaError {
                    return false
                }
            }
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
}
