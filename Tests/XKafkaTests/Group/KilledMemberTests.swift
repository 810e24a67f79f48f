import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// `kill -9` of a member in the middle of its work.
@Suite(.timeLimit(.minutes(2))) struct KilledMemberTests {
    private static let commitInterval = 200
    private static let handlers = 16
    /// For the commit under way, and the pauses that a busy machine makes.
    private static let slack = 700

    @Test func killedMemberLosesNothingAndRepeatsLittle() async throws {
        let total = 3_000
        let broker = try EmbeddedBroker.start(topics: ["orders": 4], in: .childProcess)
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produceBatch((0..<total).map { ProduceMessage(key: "k\($0 % 300)", value: "\($0)") })
        await producer.close()
        let ends = try await ClusterInspector(brokers: broker.brokers).endOffsets(of: "orders")
        let everything = Set(
            ends.flatMap { end in
                (0..<end.value).map { MemberProcess.Place(partition: end.key, offset: $0) }
            }
        )
        try #require(everything.count == total)

        try await MemberProcess.withFolder { folder in
            let group = uniqueName("group")
            func member(_ name: String) throws -> MemberProcess {
                try MemberProcess(
                    broker,
                    group: group,
                    topic: "orders",
                    ledger: folder.appendingPathComponent(name),
                    [
                        "--delay": "20", "--handlers": "\(Self.handlers)", "--drain-deadline": "5000",
                        "--commit-interval": "\(Self.commitInterval)",
                    ]
                )
            }
            let first = try member("first")
            try await eventually(within: .seconds(60), "half of the work") { first.doneCount() >= total / 2 }
            first.process.kill()
            let before = first.entries()
            let doneBefore = before.count(where: \.isDone)
            let second = try member("second")
            try await eventually(within: .seconds(60), "the rest of the work") {
                guard second.doneCount() >= total - doneBefore else { return false }
                return Set((before + second.entries()).filter(\.isDone).map(\.place)).count >= total
            }
            #expect(try await second.process.finish() == 0)
            let after = second.entries()

            #expect(Set((before + after).filter(\.isDone).map(\.place)) == everything, "nothing is lost (R1)")
            expectOrder(before)
            expectOrder(after)
            // Of what the first one completed, only what it had not yet committed is done again.
            let started = Set(after.map(\.place))
            let repeated = before.filter { $0.isDone && started.contains($0.place) }
            let last = before.map(\.time).max() ?? 0
            let oldest = repeated.map(\.time).min() ?? last
            let inFlight = before.count - 2 * doneBefore
            print(
                "killed member: \(doneBefore) messages done and \(inFlight) in flight; "
                    + "\(repeated.count) done again, the oldest \(last - oldest) ms before the end"
            )
            #expect(inFlight <= Self.handlers)
            #expect(last - oldest <= Self.commitInterval + Self.slack)
            #expect(
                before.filter { $0.isDone && $0.time < last - Self.commitInterval - Self.slack }.isEmpty == false,
                "it worked for longer than that, or this proves nothing"
            )
            let ended = try await ClusterInspector(brokers: broker.brokers)
                .committedOffsets(ofGroup: group, topic: "orders")
            #expect(ended == ends, "the frontier is at the end")
        }
    }

    /// R2: messages of a key start in order, each after the one before it was done.
    private func expectOrder(_ entries: [MemberProcess.Entry]) {
        struct Key: Hashable {
            let partition: Int32
            let key: String
        }
        for (key, steps) in Dictionary(grouping: entries, by: { Key(partition: $0.partition, key: $0.key) }) {
            let offsets = steps.map(\.offset)
            #expect(offsets == offsets.sorted(), "\(key)")
            #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.isDone != $1.isDone }, "\(key) overlaps")
        }
    }
}
