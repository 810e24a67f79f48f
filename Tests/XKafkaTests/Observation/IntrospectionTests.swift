import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What a consumer says of itself, and of what holds a frontier.
@Suite(.timeLimit(.minutes(2))) struct IntrospectionTests {
    private final class Count: Sendable {
        private let count = Atomic<Int>(0)

        var value: Int { count.load(ordering: .relaxed) }

        func increment() { count.add(1, ordering: .relaxed) }
    }

    private struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static func orders(_ count: Int = 100) -> [ProduceMessage] {
        (0..<count).map { ProduceMessage(key: "k\($0 % 10)", value: "secret \($0)") }
    }

    /// Waits until the frontier of partition 0 is held by what `isMeant` wants.
    private func hold(
        _ consumer: PartitionConsumer,
        _ partition: Int32 = 0,
        where isMeant: @escaping @Sendable (FrontierHold) -> Bool
    ) async throws -> FrontierHold {
        let last = Mutex<FrontierHold?>(nil)
        do {
            try await eventually("the hold") {
                let hold = try await consumer.why("orders", partition)
                last.withLock { $0 = hold }
                return isMeant(hold)
            }
        } catch {
            throw Failure(description: "\(error), last was: \(last.withLock { $0.map { "\($0)" } ?? "none" })")
        }
        return try #require(last.withLock { $0 })
    }

    @Test func aBlockedKeyIsNamed() async throws {
        let broker = try await EmbeddedBroker.withOrders(Self.orders())
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.commitInterval = .milliseconds(5)
        let consumer = try PartitionConsumer(config)
        let gate = Gate()
        try await running(consumer, { if $0.key == "k3" { try await gate.pass() } }) {
            try await eventually("the others") {
                let parts = try await consumer.snapshot().partitions
                return parts.first?.completedBeyondFrontier == 87 && parts.first?.committed == 3
            }
            let snapshot = try await consumer.snapshot()
            let part = try #require(snapshot.partitions.first)
            #expect(part.frontier == 3 && part.highestDelivered == 99 && part.lag == 97)
            #expect(part.messagesInHand == 10 && part.running == 1 && part.parked == 0 && part.inFlight == 10)
            #expect(part.bytesInHand > 0 && part.bytesInHand == snapshot.bytesInHand)
            #expect(snapshot.messagesInHand == 10 && snapshot.runningHandlers == 1 && snapshot.queued == 9)
            #expect(snapshot.shards.reduce(0) { $0 + $1.messages } == 10)
            #expect(snapshot.shards.count == config.processing.shardCount)
            #expect(snapshot.state == .consuming && snapshot.isSettled && !snapshot.isPaused)
            let hold = try await hold(consumer) { if case .handler = $0.cause { true } else { false } }
            #expect(hold.offset == 3 && hold.frontier == 3 && hold.key == "k3" && hold.attempt == 1)
            #expect(hold.lastError == nil && hold.committed == 3)
            for text in ["\(hold)", "\(snapshot)"] { #expect(!text.contains("k3") && !text.contains("secret")) }
            gate.open()
            let end = try await self.hold(consumer) { if case .nothing = $0.cause { true } else { false } }
            #expect(end.frontier == 100 && end.committed == 100 && end.offset == nil)
        }
        let idle = try await consumer.why("orders", 0)
        guard case .notConsuming = idle.cause else {
            Issue.record("\(idle)")
            return
        }
        #expect(try await consumer.snapshot().state == .idle)
    }

    @Test func retriesAreTold() async throws {
        let broker = try await EmbeddedBroker.withOrders(Self.orders(3))
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.retry.initialBackoff = .seconds(60)
        config.processing.retry.maxBackoff = .seconds(60)
        config.processing.retry.jitter = false
        let consumer = try PartitionConsumer(config)
        try await running(consumer, { if $0.offset == 1 { throw Failure(description: "no ledger") } }) {
            let hold = try await hold(consumer) { if case .retry = $0.cause { true } else { false } }
            guard case .retry(let time) = hold.cause else { return }
            let pause = ContinuousClock.now.duration(to: time)
            #expect(pause > .seconds(30) && pause <= .seconds(60))
            #expect(hold.offset == 1 && hold.attempt == 2 && (hold.lastError as? Failure)?.description == "no ledger")
            let snapshot = try await consumer.snapshot()
            #expect(snapshot.parked == 1 && snapshot.partitions.first?.parked == 1 && snapshot.runningHandlers == 0)
            #expect(snapshot.partitions.first?.inFlight == 0)
        }
    }

    private struct StuckPublisher: DeadLetterPublisher {
        let gate: Gate
        let tries: Collector<Int64>

        func publish(_ letter: DeadLetter) async throws {
            tries.add(letter.message.offset)
            try await gate.pass()
            throw Failure(description: "no topic")
        }
    }

    @Test func deadLettersAreWaitedFor() async throws {
        let broker = try await EmbeddedBroker.withOrders(Self.orders(2))
        defer { broker.stop() }
        let (gate, tries) = (Gate(), Collector<Int64>())
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.retry.maxRetries = 0
        config.processing.retry.initialBackoff = .seconds(60)
        config.processing.retry.maxBackoff = .seconds(60)
        config.processing.exhaustedPolicy = .dlqCommit
        config.processing.deadLetters = DeadLetterConfig(publisher: StuckPublisher(gate: gate, tries: tries))
        config.processing.drainDeadline = .milliseconds(50)
        let consumer = try PartitionConsumer(config)
        try await running(consumer, { if $0.offset == 0 { throw Failure(description: "unreadable") } }) {
            try await tries.wait(forCount: 1)
            let hold = try await hold(consumer) {
                if case .deadLetter(attempt: 1) = $0.cause { true } else { false }
            }
            #expect(hold.offset == 0 && (hold.lastError as? Failure)?.description == "unreadable")
            gate.open()
            let next = try await self.hold(consumer) {
                if case .deadLetterRetry(_, attempt: 2) = $0.cause { true } else { false }
            }
            #expect((next.lastError as? Failure)?.description == "no topic")
        }
    }

    @Test func aMessageWaitsForAFreeHandler() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 2])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        for partition in [Int32(0), 1] {
            var message = ProduceMessage(key: "k", value: "v")
            message.partition = partition
            try await producer.produce(message)
        }
        await producer.close()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.partitions = [0, 1]
        config.processing.maxConcurrentHandlers = 1
        let consumer = try PartitionConsumer(config)
        let (gate, seen) = (Gate(), Collector<Int32>())
        try await running(
            consumer,
            { message in
                seen.add(message.partition)
                try await gate.pass()
            }
        ) {
            try await seen.wait(forCount: 1)
            let other: Int32 = seen.values.first == 0 ? 1 : 0
            let hold = try await hold(consumer, other) { if case .freeHandler = $0.cause { true } else { false } }
            #expect(hold.offset == 0 && hold.attempt == 1)
            consumer.pause()
            gate.open()
            try await seen.wait(forCount: 2)
            _ = try await self.hold(consumer) { if case .paused = $0.cause { true } else { false } }
            consumer.resume()
        }
    }

    @Test func aBrokenStoreIsNamed() async throws {
        let broker = try await EmbeddedBroker.withOrders(Self.orders(5))
        defer { broker.stop() }
        let store = BrokenStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.commitInterval = .milliseconds(5)
        let consumer = try PartitionConsumer(config)
        try await running(consumer, { _ in }) {
            let hold = try await hold(consumer) { if case .commitRetry = $0.cause { true } else { false } }
            #expect(hold.frontier == 5 && hold.offset == nil && "\(hold)".contains("disk full"))
            store.mend()
            _ = try await self.hold(consumer) { if case .nothing = $0.cause { true } else { false } }
        }
    }

    /// Nobody waits for the thread of a consumer that has ended.
    @Test func askingWhileTheConsumerEndsIsAnswered() async throws {
        let broker = try await EmbeddedBroker.withOrders(Self.orders(5))
        defer { broker.stop() }
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders"))
        let (answers, ofTheThread) = (Count(), Count())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    while !Task.isCancelled {
                        let snapshot = try? await consumer.snapshot()
                        if snapshot?.partitions.isEmpty == false { ofTheThread.increment() }
                        _ = try? await consumer.why("orders", 0)
                        answers.increment()
                        // While nothing is consumed the answer is there at once: others want to run as well.
                        await Task.yield()
                    }
                }
            }
            for _ in 0..<3 {
                let before = ofTheThread.value
                try await running(consumer, { _ in }) {
                    try await eventually("answers of the consumer's thread") {
                        ofTheThread.value >= before + 10
                    }
                }
                // Both go on asking after the end: neither was left without an answer.
                let after = answers.value
                try await eventually("answers after the end") { answers.value >= after + 4 }
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
