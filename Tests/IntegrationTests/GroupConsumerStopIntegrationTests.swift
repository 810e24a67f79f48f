import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(5)))
struct GroupConsumerStopIntegrationTests {
    private struct Flaky: Error {}

    private struct Seen: Sendable, Hashable {
        let partition: Int32
        let offset: Int64
        let key: String
    }

    /// Stopped in the middle of its work and replaced, again and again: every message is completed exactly
    /// once, and those of a key in order. Some fail at first and are tried again.
    @Test func gracefulStopsRepeatNothing() async throws {
        let seed = SeededGenerator.freshSeeds(1)[0]
        var generator = SeededGenerator(seed: seed)
        try await RealCluster.withTopic(partitions: 6) { topic in
            let total = 6_000
            let group = RealCluster.uniqueName("group")
            let producer = try RealCluster.producer(topic)
            try await producer.produceBatch(
                (0..<total).map { ProduceMessage(key: "k\($0 % 500)", value: "\($0)") }
            )
            await producer.close()
            var config = RealCluster.group(group, topic)
            config.processing.retry = RetryConfig(initialBackoff: .milliseconds(20))
            let done = Collector<Seen>()
            var rounds = 0
            while done.values.count < total {
                rounds += 1
                try #require(rounds < 100, "seed \(seed): \(done.values.count) of \(total) messages")
                let consumer = try GroupConsumer(config)
                let consuming = Task {
                    try await consumer.consume { message in
                        try await Task.sleep(for: .microseconds(Int.random(in: 0...20_000)))
                        if message.attempt == 1, Int.random(in: 0..<50) == 0 { throw Flaky() }
                        done.add(
                            Seen(
                                partition: message.partition,
                                offset: message.offset,
                                key: String(message.logicalKey)
                            )
                        )
                    }
                }
                let goal = min(total, done.values.count + Int.random(in: 1...1_500, using: &generator))
                try await done.wait(forCount: goal)
                await consumer.close()
                let report = try await consuming.value
                #expect(report.commitError == nil, "seed \(seed)")
                #expect(report.toBeRepeated == 0, "seed \(seed)")
                #expect(report.cancelled.isEmpty && report.abandoned.isEmpty, "seed \(seed)")
            }
            #expect(Set(done.values).count == total, "nothing is lost (R1), seed \(seed)")
            #expect(done.values.count == total, "nothing is repeated in \(rounds) rounds, seed \(seed)")
            for (key, seen) in Dictionary(grouping: done.values, by: \.key) {
                #expect(seen.map(\.offset) == seen.map(\.offset).sorted(), "\(key) (R2), seed \(seed)")
            }
            #expect(
                try await RealCluster.inspector.committedOffsets(ofGroup: group, topic: topic)
                    == RealCluster.inspector.endOffsets(of: topic)
            )
        }
    }

    /// A static member that is back in time: the other members do not notice.
    @Test func staticMemberRestartsWithoutARebalance() async throws {
        try await RealCluster.withTopic(partitions: 4) { topic in
            let group = RealCluster.uniqueName("group")
            let changes = Collector<String>()
            let done = Collector<Int>()
            @Sendable func consume(_ member: Int) throws -> (GroupConsumer, Task<DrainReport, any Error>) {
                var config = RealCluster.group(group, topic)
                config.sessionTimeout = .seconds(20)
                config.groupInstanceID = "member-\(member)"
                config.onAssigned = { changes.add("\(member) assigned \($0.count)") }
                config.onRevoked = { partitions, _ in changes.add("\(member) revoked \(partitions.count)") }
                config.onLost = { changes.add("\(member) lost \($0.count)") }
                let consumer = try GroupConsumer(config)
                return (consumer, Task { try await consumer.consume { _ in done.add(member) } })
            }
            let producer = try RealCluster.producer(topic)
            @Sendable func probe(_ members: Set<Int>) async throws {
                let before = done.values.count
                try await eventually("members \(members) to work") {
                    try await producer.produceBatch(
                        (0..<4).map { ProduceMessage(key: "k", value: "x", partition: Int32($0)) }
                    )
                    return Set(done.values.dropFirst(before)) == members
                }
            }
            var first = try consume(1)
            try await probe([1])
            let second = try consume(2)
            try await probe([1, 2])
            await first.0.close()
            _ = try await first.1.value
            let before = changes.values.filter { $0.hasPrefix("2") }
            first = try consume(1)
            try await probe([1, 2])
            #expect(changes.values.filter { $0.hasPrefix("2") } == before, "\(changes.values)")
            #expect(before == ["2 assigned 2"], "\(changes.values)")
            await first.0.close()
            await second.0.close()
            _ = try await (first.1.value, second.1.value)
            await producer.close()
        }
    }
}
