import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Stores that are slow, or fail now and then, under many handlers.
@Suite(.timeLimit(.minutes(2))) struct StoreTroubleTests {
    private struct Failure: Error {}

    /// Messages do not wait for saves, and saves do not pile up: each tells of all that was done meanwhile.
    @Test func slowStoreHoldsUpNobody() async throws {
        let total = 3_000
        let broker = try await EmbeddedBroker.withOrders(
            (0..<total).map { ProduceMessage(key: "k\($0 % 50)", value: "\($0)") }
        )
        defer { broker.stop() }
        let saving = OneShot<Void>()
        let store = WatchedStore { await saving.waitIgnoringCancellation() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.commitInterval = .milliseconds(1)
        config.processing.commitCount = 1
        let seen = Collector<Int64>()
        let report = try await running(
            try PartitionConsumer(config),
            { message in
                seen.add(message.offset)
                store.noteDone(message)
            },
            while: {
                // The first save is not answered before everything is done.
                try await seen.wait(forCount: total)
                #expect(store.saves.values.isEmpty)
                saving.resolve(())
                try await store.saves.wait(for: "the last save") { $0.last?.nextOffset == Int64(total) }
            }
        )
        #expect(report.commitError == nil)
        #expect(store.saves.values.count == 2, "the first one, and one for all the rest")
        #expect(store.problems == [])
    }

    /// R1 and R11, with saves that take their time or fail, and consumers that stop in the middle.
    @Test func checkpointsOnlyGrow() async throws {
        let total = 4_000
        let partitions = 4
        let broker = try await EmbeddedBroker.withOrders(
            partitions: partitions,
            (0..<total).map { ProduceMessage(key: "k\($0 % 200)", value: "\($0)") }
        )
        defer { broker.stop() }
        let store = WatchedStore {
            try await Task.sleep(for: .microseconds(Int.random(in: 0...3_000)))
            if Int.random(in: 0..<4) == 0 { throw Failure() }
        }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.partitions = Array(0..<Int32(partitions))
        config.processing.maxConcurrentHandlers = 64
        config.processing.commitInterval = .milliseconds(2)
        config.processing.drainDeadline = .milliseconds(20)
        config.processing.retry = RetryConfig(initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(20))
        let ledger = HandlerLedger()
        let processing = config
        var repeated = 0
        for goal in [600, 1_500, 2_600, total] {
            let report = try await running(
                try PartitionConsumer(processing),
                { message in
                    try await ledger.handle(message) {
                        try await Task.sleep(for: .microseconds(Int.random(in: 0...4_000)))
                        if message.attempt == 1, message.offset % 13 == 0 { throw Failure() }
                        // Some are too slow for the drain deadline.
                        if goal < total, message.offset % 29 == 0 { try await Task.sleep(for: .milliseconds(50)) }
                    }
                    store.noteDone(message)
                },
                while: { try await eventually("\(goal) messages") { ledger.doneCount >= goal } }
            )
            #expect(report.commitError == nil)
            repeated += report.toBeRepeated
            #expect(store.problems == [])
        }
        #expect(ledger.doneCount == total)
        #expect(ledger.duplicates == repeated, "what is done twice was reported to be")
        // Not `disorder`: what a consumer was too late for is done by the next one.
        for partition in config.topicPartitions {
            let checkpoint = try #require(try await store.loadCheckpoint(partition))
            #expect(checkpoint.completed.isEmpty, "everything is done")
        }
    }
}
