import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What is completed beyond the committed offset, remembered in commit metadata of a real broker.
@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(5)))
struct GroupConsumerMetadataIntegrationTests {
    private struct Failure: Error {}

    /// Has one consumer complete a random half of `total` messages, and a second one the rest. Answers what
    /// each saw.
    private func completeHalf(
        of total: Int,
        offsetMetadataLimit: Int
    ) async throws -> (failing: Set<Int64>, first: DrainReport, committed: Int64?, second: [Int64]) {
        let seed = SeededGenerator.freshSeeds(1)[0]
        print("commit metadata of \(total) messages: seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var failing = Set((0..<Int64(total)).filter { _ in Bool.random(using: &generator) })
        // Both ends matter: from the first the frontier cannot move.
        failing.formUnion([0, Int64(total) - 1])
        var outcome: (DrainReport, Int64?, [Int64])?
        try await RealCluster.withTopic(partitions: 1) { topic in
            let producer = try RealCluster.producer(topic)
            try await producer.produceBatch((0..<total).map { ProduceMessage(key: "\($0)", value: "x") })
            await producer.close()
            var config = RealCluster.group(RealCluster.uniqueName("group"), topic)
            config.offsetMetadataLimit = offsetMetadataLimit
            config.processing.logsMessages = false
            config.processing.retry = RetryConfig(initialBackoff: .seconds(600), maxBackoff: .seconds(600))
            // Counted, because `eventually` looks often.
            let done = Collector<Int64>()
            let first = try GroupConsumer(config)
            let consuming = Task { [failing] in
                try await first.consume { message in
                    if failing.contains(message.offset) { throw Failure() }
                    done.add(message.offset)
                }
            }
            try await done.wait(forCount: total - failing.count)
            await first.close()
            let report = try await consuming.value
            let committed = try await RealCluster.inspector.committedOffsets(ofGroup: config.groupID, topic: topic)[0]
            let rest = Collector<Int64>()
            let second = try GroupConsumer(config)
            let finishing = Task { try await second.consume { rest.add($0.offset) } }
            try await rest.wait(forCount: failing.count + report.toBeRepeated)
            await second.close()
            _ = try await finishing.value
            let end = try await RealCluster.inspector.committedOffsets(ofGroup: config.groupID, topic: topic)[0]
            #expect(end == Int64(total))
            outcome = (report, committed, rest.values)
        }
        let (report, committed, rest) = try #require(outcome)
        return (failing, report, committed, rest)
    }

    /// 23,000 offsets at random take nearly all of 4,096 characters.
    @Test func completionsUpToTheLimitComeBack() async throws {
        let (failing, first, committed, second) = try await completeHalf(of: 23_000, offsetMetadataLimit: 4_096)
        #expect(first.toBeRepeated == 0)
        #expect(first.commitError == nil)
        #expect(committed == 0)
        #expect(second.count == failing.count && Set(second) == failing, "the failed ones, and nothing else")
    }

    /// What does not fit is repeated, and only that.
    @Test func completionsBeyondTheLimitAreRepeated() async throws {
        let (failing, first, committed, second) = try await completeHalf(of: 30_000, offsetMetadataLimit: 4_096)
        #expect(first.commitError == nil)
        #expect(committed == 0)
        #expect(first.toBeRepeated > 0)
        #expect(first.toBeRepeated < 5_000, "what fits is remembered")
        #expect(Set(second).isSuperset(of: failing))
        #expect(Set(second).count == failing.count + first.toBeRepeated)
    }

    /// OFFSET_METADATA_TOO_LARGE: the offset alone is committed.
    @Test func metadataThatTheBrokerRefusesIsLeftOut() async throws {
        let (_, first, committed, second) = try await completeHalf(of: 30_000, offsetMetadataLimit: 100_000)
        #expect(first.commitError == nil)
        #expect(committed == 0)
        #expect(first.toBeRepeated == first.completed)
        #expect(Set(second).count == 30_000)
    }
}
