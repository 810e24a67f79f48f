import MetricsTestKit
import Testing
import XKafka
import XKafkaTestingInternal

/// What a consumer and a producer say of themselves, where brokers answer for real.
@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(2)))
struct ObservabilityIntegrationTests {
    private func value(_ metrics: TestMetrics, _ label: String) -> Double? {
        metrics.meters(label: label).first?.lastValue
    }

    @Test func aBlockedKeyIsNamedAndEverythingElseIsWell() async throws {
        try await RealCluster.withTopic(partitions: 1) { topic in
            let metrics = TestMetrics()
            let producer = try RealCluster.producer(topic)
            try await producer.produceBatch((0..<100).map { ProduceMessage(key: "k\($0 % 10)", value: "\($0)") })
            #expect(producer.health.isHealthy, "\(producer.health)")
            await producer.close()

            var config = RealCluster.group(RealCluster.uniqueName("group"), topic)
            config.metrics = MetricsConfig(
                factory: metrics,
                interval: .milliseconds(100),
                statisticsInterval: .milliseconds(200)
            )
            let consumer = try GroupConsumer(config)
            let gate = Gate()
            let consuming = Task {
                try await consumer.consume { if $0.key == "k3" { try await gate.pass() } }
            }
            defer { consuming.cancel() }
            try await eventually("the others, committed") {
                let parts = try await consumer.snapshot().partitions
                return parts.first?.completedBeyondFrontier == 87 && parts.first?.committed == 3
            }
            let part = try #require(try await consumer.snapshot().partitions.first)
            #expect(part.frontier == 3 && part.lag == 97 && part.endOffset == 100)
            #expect(consumer.health.isHealthy, "\(consumer.health)")
            let hold = try await consumer.why(topic, 0)
            #expect(hold.offset == 3 && hold.key == "k3", "\(hold)")
            if case .handler = hold.cause {} else { Issue.record("\(hold)") }
            // From librdkafka's statistics, and from commits that a broker answered.
            try await eventually("the brokers' metrics") {
                (value(metrics, "xkafka_consumer_brokers_up") ?? 0) >= 1
                    && (value(metrics, "xkafka_consumer_broker_round_trip_seconds") ?? 0) > 0
                    && value(metrics, "xkafka_consumer_lag") == 97
            }
            gate.open()
            try await eventually("the end") { try await consumer.snapshot().partitions.first?.committed == 100 }
            await consumer.close()
            _ = try await consuming.value
            #expect(consumer.health.isStalled, "it does not consume any more")
        }
    }
}
