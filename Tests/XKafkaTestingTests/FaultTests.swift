import Foundation
import Testing
import XKafkaCore
import XKafkaTesting
import XKafkaTestingInternal
import XKafkaTransport

/// Each fault, seen from a client nobody here wrote.
@Suite(.timeLimit(.minutes(2))) struct FaultTests {
    /// Sends with the transport: kcat gives up as soon as no broker is connected.
    private func produce(to broker: EmbeddedBroker, _ value: MessageBytes) async throws {
        var properties = ClientProperties()
        properties.set("bootstrap.servers", broker.bootstrapServers)
        properties.set("reconnect.backoff.max.ms", 100)
        let producer = try ProducerClient(properties) { _ in }
        defer { producer.stop() }
        let reports = ReportCollector()
        try producer.send(
            .init(topic: "orders", partition: nil, key: nil, value: value, headers: [:], timestamp: nil),
            receiver: reports
        )
        try await reports.collector.wait(forCount: 1)
        #expect(reports.collector.values[0].error == nil)
    }

    private func timed(_ body: () async throws -> Void) async rethrows -> Duration {
        let start = ContinuousClock.now
        try await body()
        return ContinuousClock.now - start
    }

    @Test(arguments: EmbeddedBrokerTests.hostings)
    func failedRequestReachesTheClient(hosting: EmbeddedBroker.Hosting) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1], in: hosting)
        defer { broker.stop() }
        try broker.inject(.fail(.produce, with: .messageTooLarge))
        let refused = try await Kcat.run(
            ["-P", "-b", broker.bootstrapServers, "-t", "orders"],
            input: Data("x\n".utf8)
        )
        #expect(refused.standardError.contains("Message size too large"), "\(refused.standardError)")
        // The fault was used up.
        let taken = try await Kcat.run(
            ["-P", "-b", broker.bootstrapServers, "-t", "orders"],
            input: Data("x\n".utf8)
        )
        #expect(taken.status == 0)
    }

    @Test func recoveryForgetsWhatIsStillDue() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        try broker.inject(.fail(.produce, with: .messageTooLarge, times: 5))
        try broker.inject(.recover(.produce))
        let taken = try await Kcat.run(
            ["-P", "-b", broker.bootstrapServers, "-t", "orders"],
            input: Data("x\n".utf8)
        )
        #expect(taken.standardError.isEmpty)
    }

    @Test func answersTakeTheirTime() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        try broker.inject(.roundTripTime(.milliseconds(400)))
        let slow = try await timed { _ = try await Kcat.run(["-L", "-b", broker.bootstrapServers]) }
        #expect(slow >= .milliseconds(400))
    }

    @Test func oneAnswerTakesItsTime() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        try broker.inject(.delay(.produce, by: .milliseconds(700), broker: 1))
        let slow = try await timed {
            try await Kcat.produce(broker.bootstrapServers, topic: "orders", keyedLines: ["a\t1"])
        }
        #expect(slow >= .milliseconds(700))
    }

    @Test func disconnectedClientComesBack() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        try broker.inject(.disconnect(.produce, times: 2))
        try await produce(to: broker, "1")
        let read = try await Kcat.run(["-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q"])
        #expect(read.lines == ["1"])
    }

    @Test func leadersMove() async throws {
        let broker = try EmbeddedBroker.start(brokers: 3, topics: ["orders": 1])
        defer { broker.stop() }
        for leader in [2, 3, 1] {
            try broker.inject(.moveLeader(of: TopicPartition(topic: "orders", partition: 0), to: leader))
            let metadata = try await Kcat.run(["-L", "-b", broker.bootstrapServers, "-t", "orders"])
            #expect(metadata.text.contains("partition 0, leader \(leader)"))
        }
    }

    @Test func topicErrorShowsInMetadata() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        try broker.inject(.topicError("orders", .topicAuthorizationFailed))
        let refused = try await Kcat.run(["-L", "-b", broker.bootstrapServers, "-t", "orders"])
        #expect(refused.text.contains("Topic authorization failed"), "\(refused.text)")
        try broker.inject(.topicError("orders", nil))
        let answered = try await Kcat.run(["-L", "-b", broker.bootstrapServers, "-t", "orders"])
        #expect(answered.text.contains("partition 0, leader 1"))
    }

    @Test func timelinePlaysInOrderAndDownBrokersComeBack() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let timeline: FaultTimeline = [
            .at(.milliseconds(700), .brokerUp()),
            .at(.milliseconds(100), .brokerDown()),
        ]
        let wasDown = try await timed { try await broker.play(timeline) }
        #expect(wasDown >= .milliseconds(700))
        try await produce(to: broker, "after")

        try broker.inject(.brokerDown())
        async let played: Void = broker.play([.at(.milliseconds(800), .brokerUp())])
        let waited = try await timed { try await produce(to: broker, "meanwhile") }
        try await played
        #expect(waited >= .milliseconds(700), "nothing is delivered while the broker is down")
    }

    @Test func cancelledTimelineStops() async throws {
        let broker = try EmbeddedBroker.start()
        defer { broker.stop() }
        let playing = Task { try await broker.play([.at(.seconds(600), .brokerDown())]) }
        playing.cancel()
        await #expect(throws: CancellationError.self) { try await playing.value }
    }
}

private final class ReportCollector: DeliveryReceiver {
    let collector = Collector<DeliveryReport>()

    func receive(_ report: DeliveryReport) {
        collector.add(report)
    }
}
