import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// A store that can be made to wait.
private final class GatedStore: OffsetStore {
    let blocksLoads = Atomic<Bool>(false)
    let blocksSaves = Atomic<Bool>(false)
    let gate = OneShot<Void>()
    let waiting = Collector<String>()
    let saved = Collector<Int64>()
    private let memory = MemoryOffsetStore()

    func load(_ partition: TopicPartition) async throws -> Int64? {
        if blocksLoads.load(ordering: .relaxed) { await block("load") }
        return try await memory.load(partition)
    }

    func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {
        if blocksSaves.load(ordering: .relaxed) { await block("save") }
        try await memory.save(nextOffset, for: partition)
        saved.add(nextOffset)
    }

    private func block(_ what: String) async {
        waiting.add(what)
        await gate.waitIgnoringCancellation()
    }
}

@Suite(.timeLimit(.minutes(2))) struct PartitionConsumerTests {
    private struct Failure: Error {}

    @Test func resumesWhereItLeftOff() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 2])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        func send(_ range: Range<Int>) async throws {
            try await producer.produceBatch(
                range.flatMap { number in
                    [0, 1].map { ProduceMessage(key: "k\(number % 7)", value: "\(number)", partition: $0) }
                }
            )
        }
        let store = MemoryOffsetStore()
        let partition = TopicPartition(topic: "orders", partition: 1)
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders", partition: 1, store: store))
        let seen = Collector<ConsumeContext>()

        try await send(0..<100)
        let report = try await running(consumer, { seen.add($0) }) { try await seen.wait(forCount: 100) }
        #expect(report.completed == 100)
        #expect(report.commitError == nil)
        #expect(try await store.load(partition) == 100, "the last progress is saved at the end")

        try await send(100..<150)
        _ = try await running(consumer, { seen.add($0) }) { try await seen.wait(forCount: 150) }
        #expect(try await store.load(partition) == 150)
        await producer.close()

        #expect(seen.values.allSatisfy { $0.partition == 1 })
        #expect(seen.values.map(\.offset).sorted() == Array(0..<150))
        for (key, messages) in Dictionary(grouping: seen.values, by: \.logicalKey) {
            let offsets = messages.map(\.offset)
            #expect(offsets == offsets.sorted(), "key \(key) (R2)")
        }
    }

    @Test func unfinishedMessageHoldsTheCheckpoint() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<30).map { ProduceMessage(key: "k\($0 % 3)", value: "\($0)") }
        )
        defer { broker.stop() }
        let store = MemoryOffsetStore()
        var processing = ProcessingConfig()
        processing.drainDeadline = .milliseconds(50)
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders", store: store, processing: processing))
        let seen = Collector<Int64>()
        let report = try await running(
            consumer,
            { message in
                if message.offset == 7 { try await Task.sleep(for: .seconds(600)) }
                seen.add(message.offset)
            },
            while: { try await seen.wait(forCount: 22) }
        )
        #expect(report.unfinished == [7])
        #expect(try await store.load(TopicPartition(topic: "orders", partition: 0)) == 7)
    }

    @Test func startsAtTheEndWhenAsked() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produceBatch((0..<5).map { ProduceMessage(value: "old \($0)") })
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.start = .latest
        let seen = Collector<Int64>()
        _ = try await running(try PartitionConsumer(config), { seen.add($0.offset) }) {
            try await eventually("a new message to be read") {
                try await producer.produce(ProduceMessage(value: "new"))
                return !seen.values.isEmpty
            }
        }
        await producer.close()
        #expect(seen.values.allSatisfy { $0 >= 5 })
    }

    @Test func explicitZeroIsAnOffset() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produceBatch((0..<3).map { ProduceMessage(value: "\($0)") })
        await producer.close()
        let store = MemoryOffsetStore()
        try await store.save(0, for: TopicPartition(topic: "orders", partition: 0))
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.start = .latest
        let seen = Collector<Int64>()
        _ = try await running(try PartitionConsumer(config), { seen.add($0.offset) }) {
            try await seen.wait(forCount: 3)
        }
        #expect(seen.values.sorted() == [0, 1, 2])
    }

    @Test func brokenStoreIsReported() async throws {
        struct BrokenStore: OffsetStore {
            func load(_ partition: TopicPartition) async throws -> Int64? { throw Failure() }
            func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {}
        }
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders", store: BrokenStore()))
        let error = await #expect(throws: ConsumerError.self) { try await consumer.consume { _ in } }
        #expect(error?.code == .loadOffset)
        #expect(error?.cause is Failure)

        let negative = MemoryOffsetStore()
        try await negative.save(-5, for: TopicPartition(topic: "orders", partition: 0))
        let other = try PartitionConsumer(.testing(broker, topic: "orders", store: negative))
        let refusal = await #expect(throws: ConsumerError.self) { try await other.consume { _ in } }
        #expect(refusal?.description == "load offset (orders:0@-5): the store holds one below 0")
    }

    @Test func failingSavesAreRepeatedAndReported() async throws {
        final class FlakyStore: OffsetStore {
            let saves = Atomic<Int>(0)
            let failures: Int
            let memory = MemoryOffsetStore()
            init(failures: Int) { self.failures = failures }
            func load(_ partition: TopicPartition) async throws -> Int64? { try await memory.load(partition) }
            func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {
                if saves.add(1, ordering: .relaxed).newValue <= failures { throw Failure() }
                try await memory.save(nextOffset, for: partition)
            }
        }
        let broker = try await EmbeddedBroker.withOrders((0..<3).map { ProduceMessage(value: "\($0)") })
        defer { broker.stop() }
        let partition = TopicPartition(topic: "orders", partition: 0)

        let flaky = FlakyStore(failures: 3)
        let seen = Collector<Int64>()
        let report = try await running(
            try PartitionConsumer(.testing(broker, topic: "orders", store: flaky)),
            { seen.add($0.offset) }
        ) { try await seen.wait(forCount: 3) }
        #expect(report.commitError == nil)
        #expect(try await flaky.load(partition) == 3)

        let dead = FlakyStore(failures: .max)
        let again = Collector<Int64>()
        let failed = try await running(
            try PartitionConsumer(.testing(broker, topic: "orders", store: dead)),
            { again.add($0.offset) }
        ) { try await again.wait(forCount: 3) }
        #expect(failed.commitError is Failure, "what was not saved is reported")
        #expect(failed.completed == 3)
    }

    /// R10: a store that never answers keeps nobody from ending.
    @Test func hangingLoadDoesNotKeepCloseFromReturning() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let store = GatedStore()
        store.blocksLoads.store(true, ordering: .relaxed)
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders", store: store))
        let consuming = Task { try await consumer.consume { _ in } }
        try await store.waiting.wait(forCount: 1)
        try await withDeadline(.seconds(10), "close") { await consumer.close() }
        #expect(try await consuming.value.completed == 0)
        store.gate.resolve(())
    }

    /// R11: a save that is answered late, when consuming has ended and begun again, does not have the
    /// last word.
    @Test func lateSaveDoesNotOverwriteALaterOne() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produceBatch((0..<3).map { ProduceMessage(value: "\($0)") })
        let store = GatedStore()
        store.blocksSaves.store(true, ordering: .relaxed)
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders", store: store))
        let seen = Collector<Int64>()
        let report = try await running(consumer, { seen.add($0.offset) }) { try await seen.wait(forCount: 3) }
        #expect((report.commitError as? ConsumerError)?.code == .commitTimedOut)
        #expect(report.duration < .seconds(8), "the last save has 5 s (R10)")

        try await producer.produceBatch((0..<3).map { ProduceMessage(value: "more \($0)") })
        await producer.close()
        store.blocksSaves.store(false, ordering: .relaxed)
        _ = try await running(consumer, { seen.add($0.offset) }) {
            // It does not begin before the first save was answered.
            store.gate.resolve(())
            try await eventually("everything to be read") { Set(seen.values) == Set(0..<6) }
        }
        #expect(try await store.load(TopicPartition(topic: "orders", partition: 0)) == 6)
        #expect(store.saved.values.last == 6)
    }

    /// R6: what is completed behind a message that does not end is bounded.
    @Test func readsOnlySoFarBeyondAnUnfinishedMessage() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<1_000).map { ProduceMessage(key: "k\($0)", value: "\($0)") }
        )
        defer { broker.stop() }
        let release = OneShot<Void>()
        let seen = Collector<Int64>()
        let processing = ProcessingConfig(maxTrackedOffsets: 100)
        _ = try await running(
            try PartitionConsumer(.testing(broker, topic: "orders", processing: processing)),
            { message in
                if message.offset == 0 { await release.waitIgnoringCancellation() }
                seen.add(message.offset)
            },
            while: {
                try await seen.wait(forCount: 99)
                #expect(seen.values.allSatisfy { $0 < 100 })
                release.resolve(())
                try await seen.wait(forCount: 1_000)
            }
        )
    }

    /// R4: a connection that breaks comes back, and reading goes on.
    @Test func goesOnAfterTheBrokerWasDown() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        let seen = Collector<Int64>()
        _ = try await running(
            try PartitionConsumer(.testing(broker, topic: "orders")),
            { seen.add($0.offset) },
            while: {
                try await producer.produce(ProduceMessage(value: "before"))
                try await seen.wait(forCount: 1)
                try broker.inject(.brokerDown())
                try broker.inject(.brokerUp())
                try await producer.produce(ProduceMessage(value: "after"))
                try await seen.wait(forCount: 2)
            }
        )
        await producer.close()
        #expect(seen.values == [0, 1])
    }
}
