import Dispatch
import Logging
import Testing
import XKafka
import XKafkaCore
import XKafkaTesting
import XKafkaTestingInternal

/// The thread that serves the reports of delivery runs nobody's code.
@Suite(.timeLimit(.minutes(1))) struct ReportThreadTests {
    /// Blocks whoever logs that a message is tried again, until it is told to let go.
    private struct BlockingLog: LogHandler {
        let hasBegun: OneShot<Void>
        let mayEnd: DispatchSemaphore
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            guard "\(event.message)" == "xkafka producer retrying" else { return }
            _ = hasBegun.resolve(())
            // Nobody waits longer for a test that fails.
            _ = mayEnd.wait(timeout: .now() + 20)
        }
    }

    @Test func blockedLogHoldsUpNoReport() async throws {
        let broker = try EmbeddedBroker.start(brokers: 2, topics: ["orders": 2])
        defer { broker.stop() }
        try await broker.play([
            .at(.zero, .moveLeader(of: TopicPartition(topic: "orders", partition: 0), to: 1)),
            .at(.zero, .moveLeader(of: TopicPartition(topic: "orders", partition: 1), to: 2)),
        ])
        let hasBegun = OneShot<Void>()
        let mayEnd = DispatchSemaphore(value: 0)
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.deliveryTimeout = .milliseconds(300)
        config.retry = RetryConfig(initialBackoff: .milliseconds(20))
        config.logger = Logger(label: "test") { _ in BlockingLog(hasBegun: hasBegun, mayEnd: mayEnd) }
        let producer = try Producer(config)
        for partition in [0, 1] as [Int32] {
            try await producer.produce(ProduceMessage(value: "connected", partition: partition))
        }
        try broker.inject(.brokerDown(1))
        let failing = try await producer.produceAsync(ProduceMessage(value: "later", partition: 0))
        try await withDeadline(.seconds(20), "a failure") { try await hasBegun.wait() }
        _ = try await withDeadline(.seconds(10), "another message to be acknowledged") {
            try await producer.produce(ProduceMessage(value: "now", partition: 1))
        }
        mayEnd.signal()
        try broker.inject(.brokerUp(1))
        // Each further attempt logs as well.
        for _ in 0..<100 { mayEnd.signal() }
        let result = try await withDeadline(.seconds(20), "an outcome") { try await failing.value }
        #expect(result.attempt > 1)
        await producer.close()
    }
}
