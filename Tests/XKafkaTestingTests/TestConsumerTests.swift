import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Handling messages without a broker, as a consumer does.
@Suite(.timeLimit(.minutes(1))) struct TestConsumerTests {
    struct Failure: Error, Equatable {}
    struct Unreadable: PermanentError {}

    private let message = ConsumeContext(topic: "orders", partition: 2, offset: 7, key: "k", value: "v")

    private func processing(_ maxRetries: Int, _ policy: ExhaustedPolicy = .block) -> ProcessingConfig {
        var processing = ProcessingConfig(retry: RetryConfig(maxRetries: maxRetries, jitter: false))
        processing.exhaustedPolicy = policy
        if policy == .dlqCommit { processing.deadLetters = DeadLetterConfig(topic: "orders-dlq") }
        return processing
    }

    @Test func pausesTakeNoTime() async throws {
        let start = ContinuousClock.now
        let consumer = TestConsumer(processing: processing(-1)) { message in
            if message.attempt <= 20 { throw Failure() }
        }
        let outcome = await consumer.handle(message)
        #expect(outcome.isCompleted)
        #expect(outcome.attempts == 21 && outcome.failures.count == 20)
        #expect(outcome.pauses.prefix(3) == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(outcome.pauses.last == .seconds(10))
        #expect(ContinuousClock.now - start < .seconds(30))
    }

    @Test func messagesThatFailTooOftenBecomeDeadLetters() async throws {
        let consumer = TestConsumer(processing: processing(2, .dlqCommit)) { _ in throw Failure() }
        let outcome = await consumer.handle(message)
        let letter = try #require(outcome.deadLetter)
        #expect(letter.message.offset == 7 && letter.message.attempt == 3)
        #expect(letter.error is Failure && outcome.attempts == 3 && !outcome.isCompleted)
    }

    @Test func permanentErrorsAreNotTriedAgain() async throws {
        let consumer = TestConsumer(processing: processing(5, .stop)) { _ in throw Unreadable() }
        let outcome = await consumer.handle(message)
        guard case .stopped(let error) = outcome.end else { return #expect(Bool(false), "\(outcome.end)") }
        #expect(error.cause is Unreadable && error.position?.offset == 7)
        #expect(outcome.attempts == 1 && outcome.pauses.isEmpty)
    }

    @Test func whatIsTriedForEverEnds() async throws {
        let consumer = TestConsumer(processing: processing(-1), attemptLimit: 7) { _ in throw Failure() }
        let outcome = await consumer.handle(message)
        guard case .unfinished(let error) = outcome.end else { return #expect(Bool(false), "\(outcome.end)") }
        #expect(error is Failure && outcome.attempts == 7)
    }

    @Test func deadLettersThatAreNotTakenAreTriedAgain() async throws {
        final class Refusing: DeadLetterPublisher {
            let tries = Mutex(0)
            func publish(_ letter: DeadLetter) async throws {
                if tries.withLock({ tries in
                    tries += 1; return tries
                }) < 3 {
                    throw Failure()
                }
            }
        }
        let publisher = Refusing()
        var processing = processing(0, .dlqCommit)
        processing.deadLetters = DeadLetterConfig(publisher: publisher)
        let outcome = await TestConsumer(processing: processing) { _ in throw Failure() }.handle(message)
        #expect(outcome.deadLetter != nil && outcome.attempts == 1, "the handler is not called again (R7)")
        #expect(outcome.pauses.count == 2)
    }

    @Test func itIsTheConfigurationsConsumer() async throws {
        let seen = Collector<String>()
        func note(_ name: String) -> ConsumeMiddleware {
            ConsumeMiddleware { message, next in
                seen.add(name)
                try await next(message)
            }
        }
        var config = GroupConsumerConfig(brokers: [], groupID: "billing", topics: ["orders"])
        config.handlers = [note("all")]
        config.topicHandlers = ["orders": ConsumeTopicHandlers([note("orders")])]
        config.processing = processing(0, .dlqCommit)
        config.processing.keyExtractor = { message in message.value }
        config.processing.failureHook = { seen.add("\($0.stage)") }
        config.logger = RecordedLog().logger
        let consumer = TestConsumer(config) { message in
            seen.add(String(message.logicalKey))
            throw Failure()
        }
        let outcome = await consumer.handle(message)
        #expect(seen.values == ["all", "orders", "v", "retry", "exhausted", "dlq"])
        #expect(outcome.deadLetter?.group == "billing")
    }

    @Test func keyExtractorsFailTheirMessage() async throws {
        var processing = processing(1, .stop)
        processing.keyExtractor = { _ in throw Failure() }
        let outcome = await TestConsumer(processing: processing) { _ in }.handle(message)
        #expect(outcome.failures.count == 2)
        #expect(outcome.failures.allSatisfy { ($0 as? ConsumerError)?.code == .keyExtraction })
    }

    @Test func duplicatesAreDelivered() async throws {
        let seen = Collector<Int64>()
        let consumer = TestConsumer(handlers: [DeliverTwice()]) { seen.add($0.offset) }
        let messages = (1...2).map { ConsumeContext(topic: "orders", offset: $0) }
        let outcomes = await consumer.handle(messages + messages)
        #expect(outcomes.count == 4 && outcomes.allSatisfy(\.isCompleted))
        #expect(seen.values == [1, 1, 2, 2, 1, 1, 2, 2])
    }

    @Test func cancelledTestsEnd() async throws {
        let consumer = TestConsumer(processing: processing(-1), attemptLimit: .max) { _ in throw Failure() }
        let handling = Task { [message] in await consumer.handle(message) }
        handling.cancel()
        let outcome = await handling.value
        #expect(!outcome.isCompleted)
    }
}
