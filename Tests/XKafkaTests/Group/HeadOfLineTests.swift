import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.timeLimit(.minutes(2))) struct HeadOfLineTests {
    /// R4: one key hangs; every other key of every partition finishes, those of its shard too.
    @Test func blockedKeyHoldsUpNobody() async throws {
        let keys = 300
        let total = 6_000
        let broker = try await EmbeddedBroker.withOrders(
            partitions: 4,
            (0..<total).map { ProduceMessage(key: "k\($0 % keys)", value: "\($0)") }
        )
        defer { broker.stop() }
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.drainDeadline = .milliseconds(100)
        #expect(config.processing.shardCount < keys, "several keys share a shard")
        let ledger = HandlerLedger()
        let report = try await running(
            try GroupConsumer(config),
            { message in
                try await ledger.handle(message) {
                    if message.key == "k7" { try await Task.sleep(for: .seconds(600)) }
                }
            },
            while: {
                try await ledger.done.wait(forCount: total - total / keys)
            }
        )
        let partitions = Set(ledger.done.values.map(\.place.partition))
        #expect(partitions == [0, 1, 2, 3])
        #expect(Set(ledger.done.values.map(\.key)).count == keys - 1)
        #expect(ledger.started.values.count { $0.key == "k7" } == 1, "its followers wait (R2)")
        #expect(ledger.disorder == [])
        #expect(report.completed == total - total / keys)
        #expect(report.unfinished.count == 1)
        #expect(report.toBeRepeated == 0)
    }
}
