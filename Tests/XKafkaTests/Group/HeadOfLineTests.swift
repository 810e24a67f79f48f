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

    /// The same when handlers were quick so far, and their messages are worked through in runs.
    @Test(arguments: [0, 5, 19])
    func blockedKeyHoldsUpNobodyInARun(rounds: Int) async throws {
        let broker = try await BlockedKey.broker()
        defer { broker.stop() }
        var processing = BlockedKey.processing()
        processing.isTakenToBeQuick = true
        processing.quickLimit = .milliseconds(10)
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing = processing
        try await BlockedKey.holdsUpNobody(try GroupConsumer(config), after: rounds)
    }
}
