import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Contiguous commit and resume: stopped at random times in the middle of the work, with a fresh consumer each.
@Suite(.timeLimit(.minutes(3))) struct StopAndResumeTests {
    private struct Flaky: Error {}

    /// Each round drains before it ends, so that each message is completed exactly once, in the order of its
    /// key, although some fail at first and others take long.
    @Test func gracefulStopsRepeatNothing() async throws {
        let seed = SeededGenerator.freshSeeds(1)[0]
        var generator = SeededGenerator(seed: seed)
        let total = 1_500
        let broker = try await EmbeddedBroker.withOrders(
            partitions: 3,
            (0..<total).map { ProduceMessage(key: "k\($0 % 100)", value: "\($0)") }
        )
        defer { broker.stop() }
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.retry = RetryConfig(initialBackoff: .milliseconds(30))
        config.processing.commitInterval = .milliseconds(50)
        let ledger = HandlerLedger()
        let delays = (0..<total).map { _ in Int.random(in: 0...15_000, using: &generator) }
        let failures = Set((0..<Int64(total)).filter { _ in Int.random(in: 0..<20, using: &generator) == 0 })
        for round in 1...4 {
            // The last round is for the rest; the first three leave something to do.
            let share = (total - ledger.doneCount) * Int.random(in: 10...60, using: &generator) / 100
            let goal = round == 4 ? total : ledger.doneCount + share
            let report = try await running(
                try GroupConsumer(config),
                { message in
                    let index = Int(message.offset) + 500 * Int(message.partition)
                    try await Task.sleep(for: .microseconds(delays[index % total]))
                    if failures.contains(message.offset), message.attempt < 3 { throw Flaky() }
                    try await ledger.handle(message, member: round) {}
                },
                while: { try await ledger.done.wait(forCount: goal) }
            )
            #expect(report.commitError == nil, "seed \(seed), round \(round)")
            #expect(report.toBeRepeated == 0, "seed \(seed), round \(round)")
            #expect(report.abandoned.isEmpty && report.cancelled.isEmpty, "seed \(seed), round \(round)")
        }
        #expect(ledger.doneCount == total, "nothing is lost (R1), seed \(seed)")
        #expect(ledger.duplicates == 0, "seed \(seed)")
        #expect(ledger.disorder == [], "seed \(seed)")
        struct Key: Hashable {
            let partition: Int32
            let key: String
        }
        let keys = Dictionary(grouping: ledger.done.values) { Key(partition: $0.place.partition, key: $0.key) }
        for (key, entries) in keys {
            let offsets = entries.map(\.place.offset)
            #expect(offsets == offsets.sorted(), "\(key) over all rounds (R2), seed \(seed)")
        }
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(
            try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders")
                == inspector.endOffsets(of: "orders")
        )
    }
}
