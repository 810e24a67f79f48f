import Logging
import Testing
import XKafkaCore
import XKafkaProduce
import XKafkaTestingInternal

@Suite struct ProduceRetryTests {
    private func config(_ maxRetries: Int) -> RetryConfig {
        RetryConfig(maxRetries: maxRetries, initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(2))
    }

    /// Sends through retries; answers the outcome, and what the hook and the log were told.
    private func run(
        _ sender: Sender,
        _ maxRetries: Int,
        _ policy: ProducerExhaustedPolicy
    ) async throws -> (Result<ProduceResult, any Error>, [String], RecordedLog) {
        let events = Trail()
        let log = RecordedLog()
        let retry = try ProduceRetry(
            config(maxRetries),
            policy: policy,
            failureHook: { events.add("\($0.stage) \($0.attempt) \($0.willRetry) \($0.error)") },
            logger: log.logger
        )
        let chain = composeProduce([ProduceLogger(log.logger), retry]) { try await sender.send($0) }
        do {
            return (.success(try await chain(message)), events.all, log)
        } catch {
            return (.failure(error), events.all, log)
        }
    }

    /// The logger of a chain goes by the level its log has by then.
    @Test func theLevelOfTheLogMayChange() async throws {
        let log = AdjustableLog()
        let chain = composeProduce([ProduceLogger(log.logger)]) { message in
            ProduceResult(topic: message.topic, partition: 0, offset: 0, timestamp: nil)
        }
        _ = try await chain(ProduceContext(ProduceMessage(value: "quiet")))
        log.level = .debug
        _ = try await chain(ProduceContext(ProduceMessage(value: "loud")))
        #expect(log.count(of: "xkafka produce success") == 1)
    }

    @Test func attemptsAreCounted() async throws {
        let sender = Sender(failures: 2)
        let (outcome, events, log) = try await run(sender, RetryConfig.infiniteRetries, .block)
        #expect(try outcome.get().attempt == 3)
        #expect(sender.attemptsSeen == [1, 2, 3])
        #expect(events == ["retry 1 true send failed", "retry 2 true send failed"])
        #expect(
            log.lines == [
                "warning xkafka producer retrying", "warning xkafka producer retrying", "debug xkafka produce success",
            ]
        )
        let retrying = log.entries[0].fields
        #expect(retrying["backoff"] != nil)
        #expect(
            retrying.filter { $0.key != "backoff" } == [
                "attempt": "1", "dispatch_key": "k", "worker": "0", "topic": "orders", "key": "k",
                "error": "send failed",
            ]
        )
        let success = log.entries[2].fields
        #expect(success["duration"] != nil)
        #expect(
            success.filter { $0.key != "duration" } == [
                "attempt": "3", "dispatch_key": "k", "worker": "0", "topic": "orders", "key": "k", "partition": "3",
                "offset": "7", "result": "success",
            ]
        )
    }

    @Test func stopping() async throws {
        let (outcome, events, log) = try await run(Sender(failures: .max), 1, .stop)
        let text = "produce message exhausted retries: send failed"
        let error = #expect(throws: ProducerError.self) { try outcome.get() }
        #expect(error?.code == .retriesExhausted)
        #expect(error?.cause is Failure)
        #expect(error.map { "\($0)" } == text)
        #expect(
            events == [
                "retry 1 true send failed", "retry 2 false send failed", "exhausted 2 false send failed",
                "stop 2 false \(text)",
            ]
        )
        #expect(
            log.lines == [
                "warning xkafka producer retrying", "error xkafka producer stop", "error xkafka produce failed",
            ]
        )
        #expect(log.entries[2].fields["attempt"] == "2")
        #expect(log.entries[2].fields["error"] == text)
        #expect(log.entries[2].fields["result"] == "error")
    }

    @Test func dropping() async throws {
        let (outcome, events, log) = try await run(Sender(failures: .max), 0, .drop)
        let text = "producer message dropped after retries exhausted: send failed"
        let error = #expect(throws: ProducerError.self) { try outcome.get() }
        #expect(error?.code == .dropped)
        #expect(error?.cause is Failure, "the cause is kept")
        #expect(error.map { "\($0)" } == text)
        #expect(
            events == ["retry 1 false send failed", "exhausted 1 false send failed", "drop 1 false \(text)"],
            "0 retries are one attempt"
        )
        #expect(log.lines == ["error xkafka producer drop", "error xkafka produce failed"])
    }

    @Test func blockingTellsOfExhaustionOnce() async throws {
        let (outcome, events, _) = try await run(Sender(failures: 3), 1, .block)
        #expect(try outcome.get().attempt == 4)
        #expect(
            events.map { $0.replacing(" send failed", with: "") } == [
                "retry 1 true", "retry 2 true", "exhausted 2 true", "retry 3 true",
            ]
        )
    }

    @Test func whatCannotSucceedIsNotTriedAgain() async throws {
        let tooLarge = KafkaError(
            code: .messageTooLarge,
            name: "MSG_SIZE_TOO_LARGE",
            text: "too large",
            errorClass: .permanent,
            operation: "send message"
        )
        for error in [tooLarge as any Error, Permanent(Failure()), ProducerError(.closed)] {
            let sender = Sender(failures: .max, error)
            let (outcome, events, _) = try await run(sender, RetryConfig.infiniteRetries, .block)
            #expect(outcome.errorText == "\(error)", "blocking gives the error itself")
            #expect(events.map { $0.split(separator: " ")[0] } == ["retry", "exhausted"])
            #expect(sender.attemptsSeen == [1])
        }
    }

    @Test func cancellationEndsTheTrying() async throws {
        let failing = Collector<Int>()
        let retry = try ProduceRetry(
            RetryConfig(initialBackoff: .seconds(60), maxBackoff: .seconds(60)),
            failureHook: { failing.add($0.attempt) },
            logger: RecordedLog().logger
        )
        let chain = composeProduce([retry]) { _ in throw Failure() }
        let task = Task { try await chain(message) }
        try await failing.wait(forCount: 1)
        task.cancel()
        await #expect(throws: CancellationError.self) {
            try await withDeadline(.seconds(20), "the end") { try await task.value }
        }
    }

    @Test func mistakesAreReportedAtOnce() {
        let error = #expect(throws: ConfigurationError.self) {
            try ProduceRetry(RetryConfig(initialBackoff: .zero, multiplier: 0), policy: .stop)
        }
        #expect(
            error?.problems.map(\.field) == ["retry.initialBackoff", "retry.multiplier", "exhaustedPolicy"]
        )
    }
}

extension Result {
    fileprivate var errorText: String? {
        if case .failure(let error) = self { "\(error)" } else { nil }
    }
}
