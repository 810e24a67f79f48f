import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What orders messages: their keys, keys of the user's, or nothing.
@Suite(.timeLimit(.minutes(2))) struct KeyTests {
    private struct Failure: Error, CustomStringConvertible {
        let description = "no such field"
    }

    @Test func extractedKeysOrderMessages() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<300).map { ProduceMessage(key: "unique\($0)", value: "account\($0 % 3)") }
        )
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.keyExtractor = { $0.value }
        let seen = Collector<(key: MessageBytes, shard: Int, offset: Int64)>()
        let busy = Mutex<Set<MessageBytes>>([])
        let peak = Atomic<Int>(0)
        let report = try await running(
            try PartitionConsumer(config),
            { message in
                let isAlone = busy.withLock { busy in
                    peak.max(busy.count + 1, ordering: .relaxed)
                    return busy.insert(message.logicalKey).inserted
                }
                #expect(isAlone, "handlers of one key overlap (R2)")
                try await Task.sleep(for: .microseconds(300))
                _ = busy.withLock { $0.remove(message.logicalKey) }
                seen.add((message.logicalKey.copied(), message.shard, message.offset))
            },
            while: { try await seen.wait(forCount: 300) }
        )
        #expect(report.completed == 300)
        #expect(peak.load(ordering: .relaxed) > 1)
        let byKey = Dictionary(grouping: seen.values, by: \.key)
        #expect(byKey.keys.sorted { String($0) < String($1) } == ["account0", "account1", "account2"])
        for (key, messages) in byKey {
            let offsets = messages.map(\.offset)
            #expect(offsets == offsets.sorted() && offsets.count == 100, "\(String(key))")
            #expect(Set(messages.map(\.shard)).count == 1)
        }
    }

    /// A key extractor that throws is a failure of that message, not the death of the consumer.
    @Test func failingExtractorIsAFailureOfItsMessage() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<10).map { ProduceMessage(key: "k\($0)", value: "\($0)") })
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        let asked = Mutex<[Int64: Int]>([:])
        config.processing.keyExtractor = { message in
            let count = asked.withLock { asked in
                asked[message.offset, default: 0] += 1
                return asked[message.offset] ?? 0
            }
            // Message 3 never has a key; message 5 has one when it is asked for the third time.
            if message.offset == 3 || message.offset == 5 && count < 3 { throw Failure() }
            return message.key
        }
        config.processing.retry = RetryConfig(maxRetries: 3, initialBackoff: .milliseconds(2))
        config.processing.exhaustedPolicy = .dlqCommit
        let letters = Collector<DeadLetter>()
        config.processing.deadLetters = DeadLetterConfig(publisher: CollectingPublisher(letters: letters))
        let seen = Collector<ConsumeContext>()
        let report = try await running(
            try PartitionConsumer(config),
            { seen.add($0) },
            while: {
                try await seen.wait(forCount: 9)
                try await letters.wait(forCount: 1)
            }
        )
        #expect(report.completed == 9)
        #expect(report.deadLettered == 1)
        #expect(Set(seen.values.map(\.offset)) == Set(0..<10).subtracting([3]))
        let late = try #require(seen.values.first { $0.offset == 5 })
        #expect(late.logicalKey == "k5")
        #expect(late.attempt == 3)
        let letter = try #require(letters.values.first)
        #expect(letter.message.offset == 3)
        #expect("\(letter.error)" == "extract logical key (orders:0@3): no such field")
        #expect(letter.message.logicalKey == "orders:0", "until its key is known it has none")
        #expect(asked.withLock { $0[3] } == 4)
    }

    private struct CollectingPublisher: DeadLetterPublisher {
        let letters: Collector<DeadLetter>

        func publish(_ letter: DeadLetter) async throws {
            letters.add(letter)
        }
    }

    /// R10: an extractor that does not return keeps nobody from ending.
    @Test func hangingExtractorDoesNotKeepCloseFromReturning() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.drainDeadline = .milliseconds(20)
        let asked = Collector<Bool>()
        let release = OneShot<Void>()
        config.processing.keyExtractor = { message in
            asked.add(true)
            // A thread of the extractor's own: it may block, and here it must.
            let gate = DispatchSemaphoreGate(release)
            gate.wait()
            return message.key
        }
        let report = try await running(try PartitionConsumer(config), { _ in }) { try await asked.wait(forCount: 1) }
        release.resolve(())
        #expect(report.abandoned.map(\.offset) == [0])
        #expect(report.completed == 0)
    }

    @Test(arguments: [KeylessOrder.partition, .unordered])
    func messagesWithoutAKey(order: KeylessOrder) async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<40).map { ProduceMessage(value: "\($0)") })
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.keylessOrder = order
        config.processing.maxConcurrentHandlers = 8
        let seen = Collector<Int64>()
        let inside = Atomic<Int>(0)
        let peak = Atomic<Int>(0)
        let everybody = Collector<Bool>()
        try await running(
            try PartitionConsumer(config),
            { message in
                peak.max(inside.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                #expect(message.logicalKey == "orders:0")
                if order == .unordered {
                    // Goes on when eight are here at once.
                    everybody.add(true)
                    try await everybody.wait(forCount: 8)
                }
                inside.subtract(1, ordering: .relaxed)
                seen.add(message.offset)
            },
            while: { try await seen.wait(forCount: 40) }
        )
        #expect(peak.load(ordering: .relaxed) == (order == .partition ? 1 : 8))
        if order == .partition { #expect(seen.values == Array(0..<40)) }
    }
}
