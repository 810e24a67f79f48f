import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// One key of many hangs in its handler (R4).
enum BlockedKey {
    static let name = "k7"
    static let partitions = 4
    static let keys = 300
    static let messagesPerKey = 20

    /// A broker with a topic `orders` that holds messages of all keys, in turn.
    static func broker() async throws -> EmbeddedBroker {
        try await EmbeddedBroker.withOrders(
            partitions: partitions,
            (0..<keys * messagesPerKey).map { ProduceMessage(key: "k\($0 % keys)", value: "\($0)") }
        )
    }

    /// Settings with which several keys share a shard, and the end does not wait for the handler that hangs.
    static func processing() -> ProcessingConfig {
        let processing = ProcessingConfig(drainDeadline: .milliseconds(100))
        #expect(processing.shardCount < keys, "several keys share a shard")
        return processing
    }

    /// Consumes until the other keys of every partition, those of its shard too, are done; checks that nothing else was
    /// held up, and that its followers were.
    ///
    /// - Parameter rounds: how many messages of the key are handled before one hangs.
    static func holdsUpNobody(
        _ consumer: some Consumer,
        after rounds: Int = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let others = (keys - 1) * messagesPerKey + rounds
        let ledger = HandlerLedger()
        let report = try await running(
            consumer,
            { message in
                try await ledger.handle(message) {
                    guard message.key == MessageBytes(name), let number = message.value.flatMap({ Int(String($0)) })
                    else {
                        return
                    }
                    if number >= keys * rounds { try await Task.sleep(for: .seconds(600)) }
                }
            },
            while: { try await ledger.done.wait(forCount: others) }
        )
        let done = ledger.done.values
        #expect(Set(done.map(\.place.partition)).count == partitions, sourceLocation: sourceLocation)
        #expect(Set(done.map(\.key)).count == keys - (rounds > 0 ? 0 : 1), sourceLocation: sourceLocation)
        let begun = ledger.started.values.count { $0.key == name }
        #expect(begun == rounds + 1, "its followers wait (R2)", sourceLocation: sourceLocation)
        #expect(ledger.disorder == [], sourceLocation: sourceLocation)
        #expect(report.completed == others, sourceLocation: sourceLocation)
        #expect(report.unfinished.count == 1, sourceLocation: sourceLocation)
        #expect(report.toBeRepeated == 0, "what is committed tells of it", sourceLocation: sourceLocation)
    }
}
