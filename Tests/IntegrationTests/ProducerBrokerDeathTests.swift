import Testing
import XKafka

/// A broker is killed and started again in the middle of work. `XKAFKA_BROKER_STOP` and `XKAFKA_BROKER_START` are the
/// commands that do that. By themselves and one after the other, since every test of that broker would notice.
@Suite(
    .enabled(if: RealCluster.canRestartBroker, "no commands to stop and start a broker"),
    .serialized,
    .timeLimit(.minutes(3))
)
struct ProducerBrokerDeathTests {
    @Test(arguments: [ProducerDispatchConfig.Mode.serial, .keySharded])
    func orderSurvivesABrokersDeath(mode: ProducerDispatchConfig.Mode) async throws {
        try await RealCluster.withTopic(partitions: 6) { topic in
            var config = ProducerConfig(brokers: RealCluster.brokers, defaultTopic: topic, logger: RealCluster.logger)
            config.dispatch.mode = mode
            config.librdkafkaProperties = ["reconnect.backoff.max.ms": "500"]
            try await ProducerIntegrationTests.sendAndCheck(config, topic, count: 100_000) {
                try await RealCluster.restartBroker()
            }
        }
    }
}
