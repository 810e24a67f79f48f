import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Members that come and go while messages flow.
@Suite(.timeLimit(.minutes(3))) struct MembershipLoadTests {
    /// Nothing is lost and order is kept. Messages are handled twice here, because the embedded broker,
    /// unlike Kafka, refuses commits while members come and go; how many is printed.
    @Test(arguments: [AssignmentStrategy.roundRobin, .cooperativeSticky])
    func membersJoinAndLeaveUnderLoad(_ strategy: AssignmentStrategy) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 6])
        defer { broker.stop() }
        let group = uniqueName("group")
        let ledger = HandlerLedger()
        let lost = Collector<[TopicPartition]>()
        func consume(_ member: Int) throws -> Task<DrainReport, any Error> {
            var config = GroupConsumerConfig.testing(broker, group: group, topics: ["orders"])
            config.assignmentStrategy = strategy
            config.processing.commitInterval = .milliseconds(100)
            config.processing.drainDeadline = .seconds(5)
            config.onLost = { partitions in lost.add(partitions) }
            let consumer = try GroupConsumer(config)
            return Task {
                try await consumer.consume { message in
                    try await ledger.handle(message, member: member) {
                        try await Task.sleep(for: .milliseconds(Int.random(in: 0...4)))
                    }
                }
            }
        }
        let producer = try Producer(.testing(broker, topic: "orders"))
        let load = Load(producer)
        let first = try consume(1)
        try await ledger.started.wait(forCount: 50)
        let second = try consume(2)
        try await ledger.started.wait(for: "the second member to work") { $0.contains { $0.member == 2 } }
        first.cancel()
        let firstReport = try await first.value
        // The second one has the first one's partitions when it has handled messages of all.
        try await ledger.started.wait(for: "the second member to take over") { entries in
            Set(entries.filter { $0.member == 2 }.map(\.place.partition)).count == 6
        }
        let total = try await load.stop()
        try await eventually("every message to be handled") { ledger.doneCount == total }
        second.cancel()
        let report = try await second.value
        await producer.close()

        print("\(strategy): \(ledger.duplicates) of \(total) messages handled twice")
        #expect(ledger.doneCount == total, "nothing is lost (R1)")
        #expect(ledger.disorder == [])
        // On a machine so busy that a member is silent for longer than the session timeout, the group takes its
        // partitions away without asking; otherwise every handler ends by itself.
        if lost.values.isEmpty {
            for report in [firstReport, report] {
                #expect(report.abandoned.isEmpty && report.cancelled.isEmpty, "\(report)")
            }
        }
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(
            try await inspector.committedOffsets(ofGroup: group, topic: "orders")
                == inspector.endOffsets(of: "orders")
        )
    }
}
