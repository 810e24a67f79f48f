import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// The group gave the partitions to others without asking.
@Suite(.timeLimit(.minutes(3))) struct LostAssignmentTests {
    @Test(
        arguments: [AssignmentStrategy.range, .cooperativeSticky],
        [KafkaError.Code.illegalGeneration, .unknownMember]
    )
    func lostPartitionsAreLeftAlone(_ strategy: AssignmentStrategy, _ code: KafkaError.Code) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 2])
        defer { broker.stop() }
        let inspector = ClusterInspector(brokers: broker.brokers)
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.assignmentStrategy = strategy
        // The first progress, to the ends of empty partitions, is committed at once, and nothing after it: a
        // commit of messages is a last one, or one too many.
        config.processing.commitInterval = .seconds(3_600)
        // The broker refuses a commit of one who lost its partitions; that none is sent, only the log tells.
        let log = RecordedLog()
        config.logger = log.logger
        let lost = Collector<[TopicPartition]>()
        let revoked = Collector<[TopicPartition]>()
        config.onLost = { lost.add($0.sorted()) }
        config.onRevoked = { partitions, _ in revoked.add(partitions) }
        let done = Collector<Seen>()
        let cancelled = Collector<Seen>()
        let group = config.groupID
        @Sendable func committed() async throws -> [Int32: Int64] {
            try await inspector.committedOffsets(ofGroup: group, topic: "orders")
        }
        let report = try await running(
            try GroupConsumer(config),
            { message in
                // One key hangs in the first assignment.
                if message.key == "k3", lost.values.isEmpty {
                    do {
                        try await Task.sleep(for: .seconds(600))
                    } catch {
                        cancelled.add(Seen(message))
                        throw error
                    }
                }
                done.add(Seen(message))
            },
            while: {
                try await eventually("the first commit") { try await !committed().isEmpty }
                let producer = try Producer(.testing(broker, topic: "orders"))
                try await producer.produceBatch(
                    (0..<80).map { ProduceMessage(key: "k\($0 % 8)", value: "\($0)", partition: Int32($0 % 2)) }
                )
                await producer.close()
                try await done.wait(forCount: 70)
                try broker.inject(.fail(.heartbeat, with: code))
                try await lost.wait(forCount: 1)
                try await cancelled.wait(forCount: 1)
                // Assigned anew, it finds that nothing of them was committed.
                try await done.wait(forCount: 150)
                #expect(try await committed().allSatisfy { $0.value == 0 })
                #expect(log.lines.count { $0.contains("xkafka committing") } == 1)
                #expect(revoked.values.isEmpty, "what is lost is not revoked")
            }
        )
        #expect(lost.values == [[0, 1].map { TopicPartition(topic: "orders", partition: $0) }])
        #expect(cancelled.values.map(\.offset) == [1])
        let again = done.values.suffix(80)
        #expect(Set(again.map { [Int64($0.partition), $0.offset] }).count == 80, "nothing is lost (R1)")
        for (key, messages) in Dictionary(grouping: again, by: \.key) {
            #expect(messages.map(\.offset) == messages.map(\.offset).sorted(), "\(String(describing: key)) (R2)")
        }
        #expect(report.completed == 150)
        // Nobody waits for a handler that was cancelled, so it may have ended in time or not.
        #expect(report.unfinished == [1])
        #expect(report.returned == 9)
        #expect(
            try await inspector.committedOffsets(ofGroup: group, topic: "orders")
                == inspector.endOffsets(of: "orders")
        )
    }

    /// R10: handlers that ignore that they were cancelled hold every worker there is, and others take their
    /// place.
    @Test func stubbornHandlersOfALostPartitionAreReplaced() async throws {
        let stubborn = ProcessingConfig.defaultMaxConcurrentHandlers
        let broker = try await EmbeddedBroker.withOrders(
            partitions: 2,
            (0..<stubborn).map { ProduceMessage(key: "stubborn \($0)", value: "x", partition: 0) }
        )
        defer { broker.stop() }
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.drainDeadline = .milliseconds(200)
        let gate = OneShot<Void>()
        defer { gate.resolve(()) }
        let busy = Collector<Int64>()
        let done = Collector<Seen>()
        let start = ContinuousClock.now
        let report = try await running(
            try GroupConsumer(config),
            { message in
                if message.key.map({ String($0) })?.hasPrefix("stubborn") == true {
                    busy.add(message.offset)
                    await gate.waitIgnoringCancellation()
                } else {
                    done.add(Seen(message))
                }
            },
            while: {
                try await busy.wait(forCount: stubborn)
                // Every worker is taken now.
                let producer = try Producer(.testing(broker, topic: "orders"))
                try await producer.produceBatch(
                    (0..<100).map { ProduceMessage(key: "k\($0)", value: "x", partition: Int32($0 % 2)) }
                )
                await producer.close()
                try broker.inject(.fail(.heartbeat, with: .unknownMember))
                try await done.wait(for: "all other messages") { done in
                    Set(done.map { [Int64($0.partition), $0.offset] }).count == 100
                }
            }
        )
        #expect(report.abandoned.count == stubborn)
        #expect(ContinuousClock.now - start < .seconds(25))
        let inspector = ClusterInspector(brokers: broker.brokers)
        let committed = try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders")
        #expect(committed[0] ?? 0 == 0, "not past what was abandoned (R1)")
        #expect(committed[1] == 50)
    }
}
