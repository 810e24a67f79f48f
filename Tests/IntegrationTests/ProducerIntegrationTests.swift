import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(3)))
struct ProducerIntegrationTests {
    @Test func kcatReadsWhatWasProduced() async throws {
        try await RealCluster.withTopic(partitions: 1) { topic in
            let producer = try RealCluster.producer(topic)
            try await producer.produce(
                ProduceMessage(key: "k", value: "v", headers: ["a": "1", "a": nil], timestamp: 1_700_000_000_123)
            )
            let tombstone = try await producer.produce(ProduceMessage(key: "k"))
            #expect(tombstone.offset == 1)
            #expect(tombstone.timestamp != nil)
            let results = try await producer.produceBatch((0..<20_000).map { ProduceMessage(key: "k", value: "\($0)") })
            #expect(results.map(\.offset) == (2..<20_002).map { Int64($0) })
            await producer.close()
            let read = try await Kcat.run([
                "-C", "-b", RealCluster.brokers.joined(separator: ","), "-t", topic, "-e", "-q", "-f",
                "%K:%k|%S:%s|%h|%T\\n",
            ])
            #expect(read.lines.count == 20_002)
            #expect(read.lines.first == "1:k|1:v|a=1,a=NULL|1700000000123")
            #expect(read.lines.dropFirst().first?.hasPrefix("1:k|-1:|") == true)
        }
    }

    @Test func messagesThatAreTooLargeFailAtOnce() async throws {
        try await RealCluster.withTopic(partitions: 1) { topic in
            var config = ProducerConfig(brokers: RealCluster.brokers, defaultTopic: topic, logger: RealCluster.logger)
            // The client lets it pass; the broker does not.
            config.librdkafkaProperties = ["message.max.bytes": "20000000"]
            let producer = try Producer(config)
            let large = MessageBytes(repeatElement(7, count: 3_000_000))
            let error = await #expect(throws: KafkaError.self) {
                try await producer.produce(ProduceMessage(value: large))
            }
            #expect(error?.code == .messageTooLarge)
            await producer.close()
        }
    }
}
