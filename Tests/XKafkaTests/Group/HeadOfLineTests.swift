import Testing
import XKafka
import XKafkaTesting

@Suite(.timeLimit(.minutes(2))) struct HeadOfLineTests {
    /// R4: one key hangs; every other key of every partition finishes, those of its shard too.
    @Test func blockedKeyHoldsUpNobody() async throws {
        let broker = try await BlockedKey.broker()
        defer { broker.stop() }
        let config = GroupConsumerConfig.testing(broker, topics: ["orders"], processing: BlockedKey.processing())
        try await BlockedKey.holdsUpNobody(try GroupConsumer(config))
    }
}
