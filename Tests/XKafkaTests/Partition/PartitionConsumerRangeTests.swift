import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Where reading starts and ends.
@Suite(.timeLimit(.minutes(2))) struct PartitionConsumerRangeTests {
    private func broker(_ counts: [Int]) async throws -> EmbeddedBroker {
        let broker = try EmbeddedBroker.start(topics: ["orders": counts.count])
        let producer = try Producer(.testing(broker, topic: "orders"))
        for (partition, count) in counts.enumerated() {
            try await producer.produceBatch(
                (0..<count).map { ProduceMessage(key: "k\($0 % 5)", value: "\($0)", partition: Int32(partition)) }
            )
        }
        await producer.close()
        return broker
    }

    /// A replay job: it reads what is there, several partitions side by side, and ends by itself.
    @Test func readsUntilTheEndOfEveryPartition() async throws {
        let broker = try await broker([100, 0, 37])
        defer { broker.stop() }
        let store = MemoryOffsetStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.partitions = [0, 1, 2]
        config.end = .untilEnd
        let seen = Collector<ConsumeContext>()
        let consumer = try PartitionConsumer(config)
        #expect("\(consumer)" == "partition-consumer(orders:0,1,2)")
        let report = try await withDeadline(.seconds(30), "the end") {
            try await consumer.consume { message in
                try await Task.sleep(for: .microseconds(100))
                seen.add(message)
            }
        }
        #expect(report.completed == 137)
        #expect(report.returned == 0 && report.cancelled.isEmpty && report.abandoned.isEmpty)
        let counts = Dictionary(grouping: seen.values, by: \.partition).mapValues(\.count)
        #expect(counts == [0: 100, 2: 37])
        for (partition, end) in [(0, 100), (1, 0), (2, 37)] as [(Int32, Int64)] {
            let saved = try await store.load(TopicPartition(topic: "orders", partition: partition))
            #expect(saved ?? 0 == end, "partition \(partition)")
        }
        // Once more from the checkpoints: there is nothing left, and it ends at once.
        let again = try await withDeadline(.seconds(30), "the end") { try await consumer.consume { _ in } }
        #expect(again.completed == 0)
    }

    @Test func readsFromOneOffsetToAnother() async throws {
        let broker = try await broker([50])
        defer { broker.stop() }
        for (start, end, expected) in [(10, 20, Array(10..<20)), (0, 3, [0, 1, 2]), (50, 50, []), (30, 20, [])]
            as [(Int64, Int64, [Int64])]
        {
            var config = PartitionConsumerConfig.testing(broker, topic: "orders")
            config.processing.keylessOrder = .partition
            config.processing.keyExtractor = { _ in nil }
            config.start = .offset(start)
            config.end = .offset(end)
            let seen = Collector<Int64>()
            let consumer = try PartitionConsumer(config)
            _ = try await withDeadline(.seconds(30), "the end") { try await consumer.consume { seen.add($0.offset) } }
            #expect(seen.values == expected, "\(start)..<\(end)")
        }
    }

    /// An end that is not there yet is waited for; what comes behind it is not read.
    @Test func waitsForAnEndThatIsStillToCome() async throws {
        let broker = try await broker([5])
        defer { broker.stop() }
        let store = MemoryOffsetStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.end = .offset(8)
        let seen = Collector<Int64>()
        let consumer = try PartitionConsumer(config)
        let consuming = Task { try await consumer.consume { seen.add($0.offset) } }
        try await seen.wait(forCount: 5)
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produceBatch((5..<20).map { ProduceMessage(key: "k", value: "\($0)") })
        await producer.close()
        let report = try await withDeadline(.seconds(30), "the end") { try await consuming.value }
        #expect(report.completed == 8)
        #expect(Set(seen.values) == Set(0..<8))
        #expect(try await store.load(config.topicPartitions[0]) == 8)
    }

    /// The embedded broker keeps 5 MiB of a partition: older messages are gone, and so is their offset.
    @Test(arguments: [OutOfRangePolicy.earliest, .latest, .fail])
    func checkpointThatRetentionHasOvertaken(policy: OutOfRangePolicy) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var sending = ProducerConfig.testing(broker, topic: "orders")
        sending.linger = .zero
        let producer = try Producer(sending)
        let value = MessageBytes(Array(repeating: UInt8(ascii: "x"), count: 100_000))
        for _ in 0..<80 { try await producer.produce(ProduceMessage(key: "k", value: value)) }
        let store = MemoryOffsetStore()
        let partition = TopicPartition(topic: "orders", partition: 0)
        for (place, checkpoint) in [("before the start", 2), ("behind the end", 5_000)] as [(String, Int64)] {
            try await store.save(checkpoint, for: partition)
            var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
            config.outOfRange = policy
            let consumer = try PartitionConsumer(config)
            let seen = Collector<Int64>()
            let consuming = Task { try await consumer.consume { seen.add($0.offset) } }
            if policy == .fail {
                let error = await #expect(throws: ConsumerError.self, "\(place)") {
                    try await withDeadline(.seconds(30), "the error") { try await consuming.value }
                }
                #expect(error?.code == .offsetOutOfRange, "\(place)")
                #expect(try await store.load(partition) == checkpoint, "nothing is forgotten")
                continue
            }
            let end = try await ClusterInspector(brokers: broker.brokers).endOffsets(of: "orders")[0] ?? 0
            if policy == .latest {
                // Reading has started when a message that comes now is seen.
                try await eventually("a new message") {
                    try await producer.produce(ProduceMessage(key: "k", value: "new"))
                    return !seen.values.isEmpty
                }
                #expect(seen.values.allSatisfy { $0 >= end }, "\(place)")
            } else {
                try await seen.wait(for: "the last message") { $0.contains(end - 1) }
                let first = seen.values.min() ?? 0
                #expect(first > 2, "\(place)")
                #expect(seen.values == Array(first..<(seen.values.max() ?? 0) + 1), "\(place)")
            }
            consuming.cancel()
            _ = try await consuming.value
        }
        await producer.close()
    }

    /// Reading that begins anew is another assignment, from the first message on (R8).
    @Test func messagesOfALogThatWasResetAreOfANewAssignment() async throws {
        let broker = try await broker([100])
        defer { broker.stop() }
        let store = MemoryOffsetStore()
        let config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        let seen = Collector<Seen>()
        try await running(
            try PartitionConsumer(config),
            { seen.add(Seen($0)) },
            while: {
                try await seen.wait(forCount: 100)
                try broker.inject(.fail(.fetch, with: .offsetOutOfRange))
                try await seen.wait(forCount: 200)
            }
        )
        let epochs = [seen.values.prefix(100), seen.values.suffix(100)].map { Set($0.map(\.epoch)) }
        #expect(epochs.allSatisfy { $0.count == 1 }, "\(epochs)")
        #expect(epochs[0] != epochs[1])
        #expect(seen.values.suffix(100).map(\.offset).sorted() == Array(0..<100))
        #expect(try await store.load(config.topicPartitions[0]) == 100)
    }

    @Test func nonsenseIsRefused() throws {
        var config = PartitionConsumerConfig(brokers: ["127.0.0.1:1"], topic: "t", partitions: [1, -2, 1])
        config.start = .offset(-1)
        config.end = .offset(-1)
        config.storeFailureLimit = .zero
        config.reconnectInitialBackoff = .seconds(10)
        config.librdkafkaProperties = ["reconnect.backoff.ms": "1", "auto.offset.reset": "latest"]
        let error = #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(
            error?.problems.map(\.field) == [
                "partitions", "partitions", "start", "end", "storeFailureLimit", "reconnectMaxBackoff",
                "librdkafkaProperties.auto.offset.reset", "librdkafkaProperties.reconnect.backoff.ms",
            ]
        )
        config = PartitionConsumerConfig(brokers: ["127.0.0.1:1"], topic: "t", partitions: [])
        #expect(throws: ConfigurationError.self) { try config.validate() }
    }
}
