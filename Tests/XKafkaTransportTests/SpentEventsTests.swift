import Testing
import XKafkaCore
import XKafkaTestingInternal
import XKafkaTransport

/// R6: what was delivered is freed, by those who send or without them.
@Suite(.timeLimit(.minutes(1))) struct SpentEventsTests {
    private final class Reports: DeliveryReceiver {
        let collector = Collector<Bool>()

        func receive(_ report: DeliveryReport) {
            collector.add(report.isSuccess)
        }
    }

    private func withProducer(_ body: (ProducerClient) async throws -> Void) async throws {
        let cluster = try MockCluster(brokers: 1)
        defer { cluster.stop() }
        try cluster.create(topic: "t", partitions: 1, replicationFactor: 1)
        var properties = ClientProperties()
        properties.setConnection(brokers: [cluster.bootstrapServers], clientID: "p", security: .plaintext)
        let client = try ProducerClient(properties) { _ in }
        try await body(client)
        client.stop()
        try await withDeadline(.seconds(20), "the end of the client") { await client.waitUntilStopped() }
    }

    private func send(_ client: ProducerClient, count: Int, _ reports: Reports) throws {
        for _ in 0..<count {
            try client.send(
                .init(topic: "t", partition: 0, key: nil, value: "v", headers: [:], timestamp: nil),
                receiver: reports
            )
        }
    }

    @Test func whatWasDeliveredIsFreedWhenNobodySends() async throws {
        try await withProducer { client in
            let reports = Reports()
            try send(client, count: 1_000, reports)
            try await reports.collector.wait(forCount: 1_000)
            #expect(reports.collector.values.allSatisfy { $0 })
            try await eventually("librdkafka to have none of them") { client.heldMessages == 0 }
        }
    }

    /// The client ends although messages were reported a moment ago, and quickly.
    @Test func stoppingFreesWhatWasDelivered() async throws {
        for _ in 0..<10 {
            try await withProducer { client in
                let reports = Reports()
                try send(client, count: 100, reports)
                try await reports.collector.wait(forCount: 100)
            }
        }
    }

    /// `@unchecked Sendable`, as its superclass has it: what it adds never changes.
    private final class CountedTarget: DeliveryTarget, @unchecked Sendable {
        private let freed: Collector<Int>

        init(_ freed: Collector<Int>) {
            self.freed = freed
        }

        deinit { freed.add(1) }
    }

    /// Targets that nobody else has are freed as their messages are; the others when their owners let go of them.
    @Test func targetsAreFreedOnce() async throws {
        try await withProducer { client in
            let topic = try client.topic("t")
            let freed = Collector<Int>()
            var kept: [DeliveryTarget] = []
            for number in 0..<1_000 {
                let target = CountedTarget(freed)
                if number % 10 == 0 { kept.append(target) }
                try client.send(
                    to: topic,
                    partition: 0,
                    key: nil,
                    value: "v",
                    headers: [:],
                    timestamp: nil,
                    target: target
                )
            }
            try await freed.wait(forCount: 900)
            try await eventually("librdkafka to have none of them") { client.heldMessages == 0 }
            #expect(freed.values.count == 900)
            kept = []
            #expect(freed.values.count == 1_000)
        }
    }
}
