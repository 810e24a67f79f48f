import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(3)))
struct PartitionConsumerIntegrationTests {
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
