import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(5)))
struct GroupConsumerIntegrationTests {
    private struct Seen: Sendable {
        let member: Int
        let epoch: UInt64
        let partition: Int32
        let offset: Int64
        let key: MessageBytes
    }

    /// Who handled what of the partitions in which anything was handled twice.
    private func history(_ seen: [Seen]) -> String {
        var lines: [String] = []
        for (partition, messages) in Dictionary(grouping: seen, by: \.partition).sorted(by: { $0.key < $1.key }) {
            guard Set(messages.map(\.offset)).count < messages.count else { continue }
            var owners: [(name: String, offsets: [Int64])] = []
            for message in messages {
                let name = "member \(message.member) epoch \(message.epoch)"
                if let index = owners.firstIndex(where: { $0.name == name }) {
                    owners[index].offsets.append(message.offset)
                } else {
                    owners.append((name, [message.offset]))
                }
            }
            let ranges = owners.map {
                "\($0.name): \($0.offsets.min() ?? -1)...\($0.offsets.max() ?? -1) (\($0.offsets.count))"
            }
            lines.append("partition \(partition): " + ranges.joined(separator: ", "))
        }
        return lines.joined(separator: "\n")
    }

    @Test func messagesOfKcatArriveAndAreCommitted() async throws {
        try await RealCluster.withTopic(partitions: 4) { topic in
            try await Kcat.produce(
                RealCluster.brokers.joined(separator: ","),
                topic: topic,
                keyedLines: (0..<2_000).map { "k\($0 % 50)\t\($0)" }
            )
            let group = RealCluster.uniqueName("group")
            let consumer = try GroupConsumer(RealCluster.group(group, topic))
            let seen = Collector<ConsumeContext>()
            let consuming = Task { try await consumer.consume { seen.add($0) } }
            try await seen.wait(forCount: 2_000)
            await consumer.close()
            #expect(try await consuming.value.completed == 2_000)
            let ends = try await RealCluster.inspector.endOffsets(of: topic)
            #expect(try await RealCluster.inspector.committedOffsets(ofGroup: group, topic: topic) == ends)
            for (key, messages) in Dictionary(grouping: seen.values, by: \.logicalKey) {
                let numbers = messages.compactMap { $0.value.flatMap { Int(String($0)) } }
                #expect(numbers == numbers.sorted(), "key \(String(key))")
            }
        }
    }

    /// A deploy: three members are restarted one after the other while messages flow. Nothing is lost and
    /// nothing is handled twice: what was completed behind an unfinished message is remembered beside
    /// the committed offset.
    @Test(arguments: [AssignmentStrategy.range, .cooperativeSticky])
    func rollingRestartLosesAndRepeatsNothing(_ strategy: AssignmentStrategy) async throws {
        try await RealCluster.withTopic(partitions: 12) { topic in
            let total = 6_000
            let group = RealCluster.uniqueName("group")
            let seen = Collector<Seen>()
            let reports = Collector<DrainReport>()
            @Sendable func member(_ number: Int) throws -> Task<Void, any Error> {
                var config = RealCluster.group(group, topic)
                config.assignmentStrategy = strategy
                let consumer = try GroupConsumer(config)
                return Task {
                    reports.add(
                        try await consumer.consume { message in
                            try await Task.sleep(for: .milliseconds(2))
                            seen.add(
                                Seen(
                                    member: number,
                                    epoch: message.assignmentEpoch,
                                    partition: message.partition,
                                    offset: message.offset,
                                    key: message.logicalKey.copied()
                                )
                            )
                        }
                    )
                }
            }
            let producer = try RealCluster.producer(topic)
            let producing = Task {
                for number in 0..<total {
                    try await producer.produceAsync(ProduceMessage(key: "k\(number % 200)", value: "\(number)"))
                    if number % 20 == 0 { try await Task.sleep(for: .milliseconds(40)) }
                }
            }
            var members = try (0..<3).map { try member($0) }
            try await eventually("all members to work") { Set(seen.values.map(\.member)).count == 3 }
            for index in 0..<3 {
                members[index].cancel()
                try await members[index].value
                let replacement = index + 3
                members[index] = try member(replacement)
                try await eventually("member \(replacement) to work") {
                    seen.values.contains { $0.member == replacement }
                }
            }
            try await producing.value
            await producer.close()
            try await eventually(within: .seconds(60), "all messages") {
                Set(seen.values.map { [Int64($0.partition), $0.offset] }).count == total
            }
            for member in members {
                member.cancel()
                try await member.value
            }

            let places = seen.values.map {
                TopicPartitionOffset(TopicPartition(topic: topic, partition: $0.partition), offset: $0.offset)
            }
            #expect(Set(places).count == total, "nothing is lost (R1)")
            #expect(
                places.count == total,
                "\(places.count - total) of \(total) messages were handled twice\n\(history(seen.values))"
            )
            struct Place: Hashable {
                let member: Int
                let epoch: UInt64
                let key: MessageBytes
            }
            let owners = Dictionary(grouping: seen.values) { Place(member: $0.member, epoch: $0.epoch, key: $0.key) }
            for (owner, messages) in owners {
                let offsets = messages.map(\.offset)
                #expect(offsets == offsets.sorted(), "\(owner) (R2)")
            }
            #expect(reports.values.allSatisfy { $0.commitError == nil && $0.abandoned.isEmpty && $0.cancelled.isEmpty })
            #expect(
                try await RealCluster.inspector.committedOffsets(ofGroup: group, topic: topic)
                    == RealCluster.inspector.endOffsets(of: topic)
            )
        }
    }
}
