import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What keys may count on, read without a group.
@Suite(.timeLimit(.minutes(2))) struct PartitionOrderTests {
    private struct Failure: Error {}

    /// R2: messages of a key one after the other, in order, however long each takes and however often it fails.
    @Test func keysAreInOrderUnderRandomDelays() async throws {
        let total = 4_000
        let broker = try await EmbeddedBroker.withOrders(
            partitions: 3,
            (0..<total).map { ProduceMessage(key: "k\($0 % 60)", value: "\($0)") }
        )
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.partitions = [0, 1, 2]
        config.end = .untilEnd
        config.processing.retry = RetryConfig(initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(5))
        let ledger = HandlerLedger()
        let consumer = try PartitionConsumer(config)
        let report = try await withDeadline(.seconds(60), "the end") {
            try await consumer.consume { message in
                try await ledger.handle(message) {
                    try await Task.sleep(for: .microseconds(Int.random(in: 0...3_000)))
                    if message.attempt == 1, message.offset % 17 == 0 { throw Failure() }
                }
            }
        }
        #expect(report.completed == total)
        #expect(ledger.doneCount == total && ledger.duplicates == 0)
        #expect(ledger.disorder == [])
    }

    /// R4: one key hangs; every other key of every partition finishes, those of its shard too.
    @Test func blockedKeyHoldsUpNobody() async throws {
        let broker = try await BlockedKey.broker()
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", processing: BlockedKey.processing())
        config.partitions = (0..<Int32(BlockedKey.partitions)).map { $0 }
        try await BlockedKey.holdsUpNobody(try PartitionConsumer(config))

        // What is left is that key, and in order.
        let rest = HandlerLedger()
        config.end = .untilEnd
        let consumer = try PartitionConsumer(config)
        try await withDeadline(.seconds(60), "the end") {
            _ = try await consumer.consume { message in try await rest.handle(message) {} }
        }
        #expect(Set(rest.done.values.map(\.key)) == [BlockedKey.name])
        #expect(rest.doneCount == BlockedKey.messagesPerKey && rest.duplicates == 0)
        #expect(rest.disorder == [])
    }
}
