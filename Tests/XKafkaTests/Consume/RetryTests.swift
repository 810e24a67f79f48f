import Logging
import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Failing, retrying and giving up in the engine. A partition consumer stands for both kinds: they share it,
/// and this one needs no group.
@Suite(.timeLimit(.minutes(2))) struct RetryTests {
    struct Failure: Error, CustomStringConvertible {
        let description = "no luck"
    }

    static let quick = RetryConfig(maxRetries: 1, initialBackoff: .milliseconds(5), jitter: false)

    /// One of the rows of the table in `ConsumeFailure`, for a message that always fails unless it says
    /// otherwise.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let policy: ExhaustedPolicy
        let maxRetries: Int
        /// The attempts that fail.
        let failures: Int
        var publishFailures = 0
        let steps: [String]
        let lines: [String]

        var testDescription: String { name }
    }

    private static let retrying = "warning xkafka retrying message"

    @Test(arguments: [
        Row(
            name: "attempts left",
            policy: .block,
            maxRetries: 5,
            failures: 2,
            steps: ["retry true", "retry true"],
            lines: [retrying, retrying, "debug xkafka handle success"]
        ),
        Row(
            name: "block",
            policy: .block,
            maxRetries: 1,
            failures: 3,
            steps: ["retry true", "retry true", "exhausted true", "retry true"],
            lines: [retrying, retrying, retrying, "debug xkafka handle success"]
        ),
        Row(
            name: "dlqCommit",
            policy: .dlqCommit,
            maxRetries: 1,
            failures: .max,
            steps: ["retry true", "retry false", "exhausted false", "dlq false"],
            lines: [retrying, "warning xkafka handle dead-lettered"]
        ),
        Row(
            name: "dlqCommit, publishing fails twice",
            policy: .dlqCommit,
            maxRetries: 0,
            failures: .max,
            publishFailures: 2,
            steps: ["retry false", "exhausted false", "dlq true", "dlq true", "dlq false"],
            lines: [
                "error xkafka dlq publish failed", "error xkafka dlq publish failed",
                "warning xkafka handle dead-lettered",
            ]
        ),
        Row(
            name: "stop",
            policy: .stop,
            maxRetries: 1,
            failures: .max,
            steps: ["retry true", "retry false", "exhausted false", "stop false"],
            lines: [retrying, "error xkafka stop consuming message", "error xkafka handle failed"]
        ),
    ])
    func eventTable(row: Row) async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        let log = RecordedLog()
        let store = MemoryOffsetStore()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.logger = log.logger
        config.processing.retry = Self.quick
        config.processing.retry.maxRetries = row.maxRetries
        config.processing.exhaustedPolicy = row.policy
        let letters = FlakyPublisher(failures: row.publishFailures)
        if row.policy == .dlqCommit { config.processing.deadLetters = DeadLetterConfig(publisher: letters) }
        let told = Collector<ConsumeFailure>()
        config.processing.failureHook = { told.add($0) }
        let attempts = Collector<Int>()
        let succeeded = Collector<Bool>()
        let consumer = try PartitionConsumer(config)
        let consuming = Task {
            try await consumer.consume { message in
                attempts.add(message.attempt)
                if message.attempt <= row.failures { throw Failure() }
                succeeded.add(true)
            }
        }
        if row.policy == .stop {
            let error = await #expect(throws: ConsumerError.self) { try await consuming.value }
            #expect(error?.code == .retriesExhausted)
            #expect(error?.cause is Failure)
            let checkpoint = try await store.load(config.topicPartitions[0])
            #expect(checkpoint == nil || checkpoint == 0, "the message is not done")
        } else {
            if row.policy == .block { try await succeeded.wait(forCount: 1) }
            try await told.wait(forCount: row.steps.count)
            await consumer.close()
            let report = try await consuming.value
            #expect(report.completed == (row.policy == .block ? 1 : 0))
            #expect(report.deadLettered == (row.policy == .dlqCommit ? 1 : 0))
            #expect(try await store.load(config.topicPartitions[0]) == 1)
        }
        #expect(told.values.map { "\($0.stage) \($0.willRetry)" } == row.steps)
        let last = row.failures == .max ? row.maxRetries + 1 : row.failures + 1
        #expect(attempts.values == Array(1...last), "a failing publish does not run the handler again (R7)")
        #expect(log.lines.filter { $0.contains("message") || $0.contains("handle") || $0.contains("dlq") } == row.lines)
    }

    /// Refuses as many letters as it is told to.
    private final class FlakyPublisher: DeadLetterPublisher {
        private let failures: Mutex<Int>

        init(failures: Int) {
            self.failures = Mutex(failures)
        }

        func publish(_ letter: DeadLetter) async throws {
            let fails = failures.withLock { failures in
                failures -= 1
                return failures >= 0
            }
            if fails { throw Failure() }
        }
    }

    /// R4: neither messages that wait for their next attempt nor dead letters that do not get through hold
    /// a worker.
    @Test func aHundredStuckKeysHoldUpNobody() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<200).map { ProduceMessage(key: "stuck\($0 % 100)", value: "x") }
                + (0..<100).map { ProduceMessage(key: "fine\($0)", value: "\($0)") }
        )
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.maxConcurrentHandlers = 2
        config.processing.drainDeadline = .milliseconds(100)
        config.processing.retry = RetryConfig(maxRetries: 0, initialBackoff: .seconds(600), maxBackoff: .seconds(600))
        config.processing.exhaustedPolicy = .dlqCommit
        let letters = HangingPublisher()
        config.processing.deadLetters = DeadLetterConfig(publisher: letters)
        let fine = Collector<Int64>()
        let report = try await running(
            try PartitionConsumer(config),
            { message in
                if message.offset < 200 { throw Failure() }
                fine.add(message.offset)
            },
            while: {
                try await fine.wait(forCount: 100)
                try await letters.started.wait(forCount: 100)
            }
        )
        #expect(report.completed == 100)
        // Publishing was under way for the first message of each key and had to be cancelled; a busy machine may need
        // longer for that than there is.
        #expect(report.unfinished.count == 100)
        #expect(report.returned == 100)
        #expect(report.deadLettered == 0)
    }

    /// Publishes nothing until it is cancelled.
    private final class HangingPublisher: DeadLetterPublisher {
        let started = Collector<Int64>()

        func publish(_ letter: DeadLetter) async throws {
            started.add(letter.message.offset)
            // Ends by being cancelled, and no sooner: longer than the test may take.
            try await Task.sleep(for: .seconds(600))
        }
    }

    /// R2: the next attempt starts only after the one that took too long has ended.
    @Test func attemptsThatTakeTooLongAreCancelledAndTriedAgain() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<2).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.retry = Self.quick
        config.processing.attemptTimeout = .milliseconds(50)
        let told = Collector<ConsumeFailure>()
        config.processing.failureHook = { told.add($0) }
        let seen = Collector<Seen>()
        let running = Atomic<Int>(0)
        let report = try await XKafkaTests.running(
            try PartitionConsumer(config),
            { message in
                #expect(running.add(1, ordering: .relaxed).newValue == 1, "attempts overlap")
                defer { running.subtract(1, ordering: .relaxed) }
                // Ends by being cancelled, and no sooner: longer than the test may take.
                if message.offset == 0, message.attempt == 1 { try await Task.sleep(for: .seconds(600)) }
                seen.add(Seen(message))
            },
            while: { try await seen.wait(forCount: 2) }
        )
        #expect(report.completed == 2)
        #expect(seen.values.map(\.offset) == [0, 1])
        #expect(seen.values.map(\.attempt) == [2, 1])
        #expect(told.values.map { ($0.error as? ConsumerError)?.code } == [.attemptTimedOut])
    }

    /// Being told to stop is no failure: no event, no warning, no dead letter.
    @Test func cancelledHandlersHaveNotFailed() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        let log = RecordedLog()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.logger = log.logger
        config.processing.retry.maxRetries = 0
        config.processing.exhaustedPolicy = .dlqCommit
        let letters = FlakyPublisher(failures: 0)
        config.processing.deadLetters = DeadLetterConfig(publisher: letters)
        config.processing.drainDeadline = .milliseconds(20)
        let told = Collector<ConsumeFailure>()
        config.processing.failureHook = { told.add($0) }
        let started = Collector<Bool>()
        let report = try await running(
            try PartitionConsumer(config),
            { _ in
                started.add(true)
                // Ends by being cancelled, and no sooner: longer than the test may take.
                try await Task.sleep(for: .seconds(600))
            },
            while: { try await started.wait(forCount: 1) }
        )
        #expect(report.cancelled.map(\.offset) == [0])
        #expect(told.values.isEmpty)
        #expect(log.lines.contains("debug xkafka handle cancelled"))
        #expect(!log.lines.contains { $0.hasPrefix("warning") || $0.hasPrefix("error") })
    }

    @Test func permanentErrorsAreNotTriedAgain() async throws {
        struct Unparsable: Error {}
        let broker = try await EmbeddedBroker.withOrders(
            ["marked", "chosen", "other"].map { ProduceMessage(key: $0, value: "v") }
        )
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.retry = RetryConfig(maxRetries: 2, initialBackoff: .milliseconds(1))
        config.processing.exhaustedPolicy = .dlqCommit
        config.processing.isPermanent = { $0 is Unparsable }
        config.processing.deadLetters = DeadLetterConfig(publisher: FlakyPublisher(failures: 0))
        let dead = Collector<ConsumeFailure>()
        config.processing.failureHook = { if $0.stage == .dlq { dead.add($0) } }
        try await running(
            try PartitionConsumer(config),
            { message in
                switch String(message.logicalKey) {
                case "marked": throw Permanent(Failure())
                case "chosen": throw Unparsable()
                default: throw Failure()
                }
            },
            while: { try await dead.wait(forCount: 3) }
        )
        let attempts = Dictionary(uniqueKeysWithValues: dead.values.map { (String($0.logicalKey), $0.attempt) })
        #expect(attempts == ["marked": 1, "chosen": 1, "other": 3])
    }

    @Test func theLogLineOfEachMessageCanBeSwitchedOff() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        for (isOn, level) in [(true, Logger.Level.info), (false, .info)] {
            let log = RecordedLog()
            var config = PartitionConsumerConfig.testing(broker, topic: "orders")
            config.logger = log.logger
            config.processing.logsMessages = isOn
            config.processing.successLogLevel = level
            let seen = Collector<Int64>()
            try await running(try PartitionConsumer(config), { seen.add($0.offset) }) {
                try await seen.wait(forCount: 1)
            }
            #expect(log.lines.filter { $0.contains("handle") } == (isOn ? ["info xkafka handle success"] : []))
        }
    }

    /// The level is not asked for with each message: it counts from the consumer's next turn on.
    @Test func successesAreLoggedFromWhenTheLogWantsThem() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "quiet")])
        defer { broker.stop() }
        let log = AdjustableLog()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.logger = log.logger
        let seen = Collector<Int64>()
        try await running(try PartitionConsumer(config), { seen.add($0.offset) }) {
            try await seen.wait(forCount: 1)
            #expect(log.count(of: "xkafka handle success") == 0)
            log.level = .debug
            try await broker.publish([ProduceMessage(key: "k", value: "loud")], to: "orders")
            try await seen.wait(forCount: 2)
            try await eventually("a line") { log.count(of: "xkafka handle success") == 1 }
        }
    }
}
