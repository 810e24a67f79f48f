import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Brokers and coordinators in trouble, one trouble after the other, while messages flow: all are handled, in
/// order, and in the end all are committed.
@Suite(.timeLimit(.minutes(3))) struct BrokerFaultTests {
    /// Each test has brokers of its own.
    private static let group = "billing"

    /// Runs a consumer on three brokers; after each fault messages still come through.
    private func consume(through steps: [FaultTimeline], setUp: [Fault] = []) async throws {
        // In a process of its own, because brokers that go down do not get along with starting processes.
        let broker = try EmbeddedBroker.start(brokers: 3, topics: ["orders": 6], in: .childProcess)
        defer { broker.stop() }
        for fault in setUp { try broker.inject(fault) }
        var config = GroupConsumerConfig.testing(broker, group: Self.group, topics: ["orders"])
        config.processing.commitInterval = .milliseconds(50)
        config.processing.drainDeadline = .seconds(5)
        let ledger = HandlerLedger()
        let producer = try Producer(.testing(broker, topic: "orders"))
        let load = Load(producer, perTick: 4)
        let consumer = try GroupConsumer(config)
        let consuming = Task {
            try await consumer.consume { message in
                try await ledger.handle(message) { try await Task.sleep(for: .milliseconds(1)) }
            }
        }
        try await ledger.started.wait(forCount: 20)
        for step in steps {
            try await broker.play(step)
            // Everything sent until now, and enough beyond that every partition has some of it.
            let sent = load.count + 60
            try await eventually("messages after \(step.entries.map(\.fault))") { ledger.doneCount >= sent }
        }
        let total = try await load.stop()
        try await eventually("every message to be handled") { ledger.doneCount == total }
        consuming.cancel()
        let report = try await consuming.value
        await producer.close()
        print("broker faults: \(ledger.duplicates) of \(total) messages handled twice")
        #expect(report.commitError == nil)
        #expect(report.abandoned.isEmpty && report.cancelled.isEmpty)
        #expect(ledger.disorder == [])
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(
            try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders")
                == inspector.endOffsets(of: "orders")
        )
    }

    @Test func brokersRestart() async throws {
        try await consume(
            through: (1...3).map { number in
                [.at(.zero, .brokerDown(number)), .at(.milliseconds(300), .brokerUp(number))]
            } + [[.at(.zero, .brokerDown()), .at(.milliseconds(300), .brokerUp())]]
        )
    }

    @Test func fetchesFail() async throws {
        try await consume(
            through: [
                [.at(.zero, .fail(.fetch, with: [.notLeaderForPartition, .leaderNotAvailable, .requestTimedOut]))],
                [.at(.zero, .fail(.fetch, with: .unknownTopicOrPartition, times: 2))],
                [.at(.zero, .disconnect(.fetch, times: 3))],
            ]
        )
    }

    @Test func commitsFailAndTheCoordinatorMoves() async throws {
        try await consume(
            through: [
                [
                    .at(
                        .zero,
                        .fail(.offsetCommit, with: [.coordinatorLoadInProgress, .notCoordinator, .requestTimedOut])
                    )
                ],
                [.at(.zero, .disconnect(.offsetCommit, times: 3))],
                [.at(.zero, .moveCoordinator(ofGroup: Self.group, to: 2))],
                [.at(.zero, .moveCoordinator(ofGroup: Self.group, to: 3))],
            ],
            setUp: [.moveCoordinator(ofGroup: Self.group, to: 1)]
        )
    }

    /// Joining fails, and once more in the middle of the work.
    @Test func joiningFails() async throws {
        try await consume(
            through: [
                [
                    .at(.zero, .fail(.joinGroup, with: .coordinatorNotAvailable)),
                    // Revoked, and joined anew.
                    .at(.zero, .fail(.heartbeat, with: .rebalanceInProgress)),
                ]
            ],
            setUp: [
                .fail(.joinGroup, with: .notCoordinator),
                .fail(.syncGroup, with: .notCoordinator),
            ]
        )
    }
}
