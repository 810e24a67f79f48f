import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What is kept beyond the offset, and what happens when keeping fails.
@Suite(.timeLimit(.minutes(2))) struct CheckpointTests {
    private struct Failure: Error {}

    /// A store that fails when it is told to, and remembers what it was given.
    private final class FaultyStore: CheckpointStore {
        let fails = Atomic<Bool>(false)
        let saves = Collector<Checkpoint>()
        let refusals = Collector<Checkpoint>()
        private let memory = MemoryOffsetStore()

        func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint? {
            try await memory.loadCheckpoint(partition)
        }

        func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws {
            if fails.load(ordering: .relaxed) {
                refusals.add(checkpoint)
                throw Failure()
            }
            try await memory.save(checkpoint, for: partition)
            saves.add(checkpoint)
        }
    }

    @Test func textsBringCheckpointsBack() {
        let checkpoint = Checkpoint(nextOffset: 7, completed: [9..<12, 100..<101])
        #expect(Checkpoint(nextOffset: 7, completedText: checkpoint.completedText) == checkpoint)
        #expect(Checkpoint(nextOffset: 7).completedText == "")
        #expect(Checkpoint(nextOffset: 7, completedText: "") == Checkpoint(nextOffset: 7))
        #expect(Checkpoint(nextOffset: 7, completedText: "nonsense") == nil)
        #expect(Checkpoint(nextOffset: -1, completedText: "") == nil)
        #expect(Checkpoint(nextOffset: 7, completed: [5..<6]).completed == [], "done is what lies before")
        #expect(Checkpoint(nextOffset: .min, completed: [5..<6]).completedText == "")
        let far = Checkpoint(nextOffset: 0, completed: [.max - 2 ..< .max - 1])
        #expect(Checkpoint(nextOffset: 0, completedText: far.completedText) == far)
    }

    /// Commits are due to the number of messages too, long before the interval is over.
    @Test func commitsAreDueByCount() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<10).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        let store = FaultyStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.commitInterval = .seconds(3_600)
        config.processing.commitCount = 20
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await running(try PartitionConsumer(config), { _ in }) {
            // The first progress is saved at once, and then the hour begins.
            try await store.saves.wait(forCount: 1)
            try await producer.produceBatch((10..<70).map { ProduceMessage(key: "k", value: "\($0)") })
            try await store.saves.wait(for: "a save before the hour is over") { $0.contains { $0.nextOffset >= 30 } }
            #expect(store.saves.values.count < 10, "and not after each message")
        }
        await producer.close()
    }

    /// What was completed behind a message that never ended is not handled again.
    @Test func completionsBeyondTheOffsetAreKept() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<100).map { ProduceMessage(key: "k\($0 % 10)", value: "\($0)") }
        )
        defer { broker.stop() }
        let store = FaultyStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.drainDeadline = .milliseconds(50)
        config.processing.commitInterval = .milliseconds(5)
        let seen = Collector<Int64>()
        let report = try await running(
            try PartitionConsumer(config),
            { message in
                if message.key == "k3" { try await Task.sleep(for: .seconds(600)) }
                seen.add(message.offset)
            },
            while: { try await seen.wait(forCount: 90) }
        )
        #expect(report.toBeRepeated == 0)
        let checkpoint = try #require(try await store.loadCheckpoint(config.topicPartitions[0]))
        #expect(checkpoint.nextOffset == 3)
        #expect(checkpoint.completed.reduce(0) { $0 + $1.count } == 90 - 3)

        let rest = Collector<Int64>()
        _ = try await running(try PartitionConsumer(config), { rest.add($0.offset) }) {
            try await rest.wait(forCount: 10)
        }
        #expect(rest.values == Array(stride(from: 3, to: 100, by: 10)))
        // R11: what was saved never went backwards.
        for (earlier, later) in zip(store.saves.values, store.saves.values.dropFirst()) {
            #expect(later.nextOffset >= earlier.nextOffset)
        }
    }

    /// By count, long before the interval has passed.
    @Test func progressIsSavedAfterSoManyMessages() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<200).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        let store = FaultyStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.commitInterval = .seconds(3_600)
        config.processing.commitCount = 40
        let seen = Collector<Int64>()
        let pauses = [20: OneShot<Void>(), 150: OneShot<Void>()] as [Int64: OneShot<Void>]
        try await running(
            try PartitionConsumer(config),
            { message in
                await pauses[message.offset]?.waitIgnoringCancellation()
                seen.add(message.offset)
            },
            while: {
                // The first save comes with the first progress, the interval being over; then they are counted.
                try await store.saves.wait(forCount: 1)
                pauses[20]?.resolve(())
                try await store.saves.wait(for: "a save") { $0.contains { $0.nextOffset >= 60 } }
                #expect(seen.values.count <= 150)
                pauses[150]?.resolve(())
                try await seen.wait(forCount: 200)
            }
        )
    }

    /// While the store fails, messages are handled and saving is repeated after growing pauses. When it has
    /// failed for too long, the consumer ends with the store's error.
    @Test func storeThatStaysBrokenEndsTheConsumer() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<100).map { ProduceMessage(key: "k\($0)", value: "x") })
        defer { broker.stop() }
        let store = FaultyStore()
        store.fails.store(true, ordering: .relaxed)
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.commitInterval = .milliseconds(1)
        config.storeFailureLimit = .milliseconds(1_200)
        let seen = Collector<Int64>()
        let consumer = try PartitionConsumer(config)
        let error = await #expect(throws: ConsumerError.self) {
            try await withDeadline(.seconds(30), "the error") { try await consumer.consume { seen.add($0.offset) } }
        }
        #expect(error?.code == .saveOffset)
        #expect(error?.cause is Failure)
        #expect(seen.values.count == 100)
        // A few times while it ran, and every 100 ms of the 5 s that the last save may take.
        #expect((2...70).contains(store.refusals.values.count), "\(store.refusals.values.count) saves were tried")

        // Nothing was forgotten: the store works again, and so does everything.
        store.fails.store(false, ordering: .relaxed)
        let again = Collector<Int64>()
        _ = try await running(consumer, { again.add($0.offset) }) { try await again.wait(forCount: 100) }
        #expect(try await store.load(config.topicPartitions[0]) == 100)
    }

    @Test func storeThatDoesNotAnswerEndsTheConsumer() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "x")])
        defer { broker.stop() }
        let release = OneShot<Void>()
        let store = HangingStore(release: release)
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.commitInterval = .milliseconds(1)
        config.storeFailureLimit = .milliseconds(200)
        let consumer = try PartitionConsumer(config)
        let error = await #expect(throws: ConsumerError.self) {
            try await withDeadline(.seconds(30), "the error") { try await consumer.consume { _ in } }
        }
        release.resolve(())
        #expect(error?.code == .saveOffset)
    }

    /// Saves nothing before it is released.
    private struct HangingStore: OffsetStore {
        let release: OneShot<Void>

        func load(_ partition: TopicPartition) async throws -> Int64? { nil }

        func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {
            await release.waitIgnoringCancellation()
        }
    }
}
