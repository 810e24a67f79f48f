import Synchronization
import Testing
import XKafkaConsume
import XKafkaCore
import XKafkaTestingInternal

/// The retry handler in chains composed by hand. Consumers run the same rules.
@Suite(.timeLimit(.minutes(1))) struct ConsumeRetryTests {
    private let message = ConsumeContext(topic: "orders", partition: 2, offset: 7, key: "k", value: "v", attempt: 5)

    /// Runs a chain of one retry handler whose pauses take no time.
    private func run(
        _ config: RetryConfig,
        _ policy: ExhaustedPolicy,
        handler: FailingHandler,
        letters: RecordedLetters? = nil,
        isPermanent: (@Sendable (any Error) -> Bool)? = nil,
        hook: ConsumeFailureHook? = nil,
        log: RecordedLog = RecordedLog(),
        pauses: Collector<Duration> = Collector(),
        atPause: (@Sendable (Int) -> Void)? = nil
    ) async throws {
        let retry = ConsumeRetry(
            rules: RetryRules(
                config,
                policy: policy,
                isPermanent: isPermanent,
                hook: hook,
                group: "billing",
                logger: log.logger
            ),
            deadLetters: letters,
            attemptTimeout: nil,
            sleep: { pause in
                pauses.add(pause)
                atPause?(pauses.values.count)
                try Task.checkCancellation()
            }
        )
        try await composeConsume([retry]) { try handler.handle($0) }(message)
    }

    private func config(_ maxRetries: Int) -> RetryConfig {
        RetryConfig(
            maxRetries: maxRetries,
            initialBackoff: .milliseconds(10),
            maxBackoff: .milliseconds(50),
            jitter: false
        )
    }

    @Test func failuresAreRetriedAfterGrowingPauses() async throws {
        let handler = FailingHandler(failures: 4)
        let pauses = Collector<Duration>()
        let log = RecordedLog()
        try await run(config(-1), .block, handler: handler, log: log, pauses: pauses)
        #expect(handler.made == [1, 2, 3, 4, 5], "attempts are counted from 1 whatever the message said")
        #expect(pauses.values == [10, 20, 40, 50].map { .milliseconds($0) })
        #expect(log.lines == Array(repeating: "warning xkafka retrying message", count: 4))
        let fields = try #require(log.entries.first?.fields)
        #expect(
            Set(fields.keys) == [
                "topic", "partition", "offset", "logical_key", "shard", "attempt", "backoff", "error",
            ]
        )
        #expect(fields["offset"] == "7" && fields["attempt"] == "1" && fields["error"] == "no luck")
    }

    @Test func jitterTakesBetweenHalfAndAllOfThePause() async throws {
        var jittered = config(-1)
        jittered.jitter = true
        let pauses = Collector<Duration>()
        try await run(jittered, .block, handler: FailingHandler(failures: 40), pauses: pauses)
        for (pause, whole) in zip(pauses.values, [10, 20, 40] + Array(repeating: 50, count: 37)) {
            #expect(pause >= .milliseconds(whole) / 2 && pause <= .milliseconds(whole))
        }
        #expect(Set(pauses.values).count > 10)
    }

    /// One of the rows of the table in `ConsumeFailure`.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let policy: ExhaustedPolicy
        let maxRetries: Int
        let failures: Int
        var publishFailures = 0
        let steps: [String]

        var testDescription: String { name }
    }

    @Test(arguments: [
        Row(name: "attempts left", policy: .block, maxRetries: 5, failures: 2, steps: ["retry true", "retry true"]),
        Row(
            name: "block",
            policy: .block,
            maxRetries: 1,
            failures: 4,
            steps: ["retry true", "retry true", "exhausted true", "retry true", "retry true"]
        ),
        Row(
            name: "dlqCommit",
            policy: .dlqCommit,
            maxRetries: 1,
            failures: .max,
            steps: ["retry true", "retry false", "exhausted false", "dlq false"]
        ),
        Row(
            name: "dlqCommit, no retries, publishing fails twice",
            policy: .dlqCommit,
            maxRetries: 0,
            failures: .max,
            publishFailures: 2,
            steps: ["retry false", "exhausted false", "dlq true", "dlq true", "dlq false"]
        ),
        Row(
            name: "stop",
            policy: .stop,
            maxRetries: 1,
            failures: .max,
            steps: ["retry true", "retry false", "exhausted false", "stop false"]
        ),
    ])
    func eventTable(row: Row) async throws {
        let handler = FailingHandler(failures: row.failures)
        let letters = RecordedLetters(failures: row.publishFailures)
        let told = RecordedFailures()
        var thrown: (any Error)?
        do {
            try await run(config(row.maxRetries), row.policy, handler: handler, letters: letters, hook: told.hook)
        } catch {
            thrown = error
        }
        #expect(told.steps == row.steps)
        #expect(told.failures.allSatisfy { $0.policy == row.policy && $0.message.offset == 7 })
        for failure in told.failures {
            switch (failure.stage, failure.willRetry) {
            case (.dlq, true): #expect("\(failure.error)" == "publish dlq message: broker down")
            case (.stop, _):
                #expect("\(failure.error)" == "handle message exhausted retries (orders:2@7): no luck")
            default: #expect("\(failure.error)" == "no luck")
            }
        }
        if row.policy == .stop {
            let error = try #require(thrown as? ConsumerError)
            #expect(error.code == .retriesExhausted)
            #expect(error.cause is FailingHandler.Failure, "the cause is kept")
        } else {
            #expect(thrown == nil)
        }
        // R7: a publish that fails does not run the handler again.
        let attempts = row.failures == .max ? row.maxRetries + 1 : row.failures + 1
        #expect(handler.made == Array(1...attempts))
        #expect(letters.letters.count == (row.policy == .dlqCommit ? 1 : 0))
    }

    @Test func errorsThatSayTheyArePermanentAreNotTriedAgain() async throws {
        struct Broken: PermanentError {}
        struct Chosen: Error {}
        for error: any Error in [Broken(), Permanent(FailingHandler.Failure(description: "x")), Chosen()] {
            let handler = FailingHandler(failures: .max, error: error)
            let letters = RecordedLetters()
            try await run(
                config(RetryConfig.infiniteRetries),
                .dlqCommit,
                handler: handler,
                letters: letters,
                isPermanent: { $0 is Chosen }
            )
            #expect(handler.made == [1], "\(error)")
            #expect(letters.letters.count == 1)
        }
        // Under block there is nothing else to do than to try again, which is told.
        let told = RecordedFailures()
        let handler = FailingHandler(failures: 2, error: Broken())
        try await run(config(5), .block, handler: handler, hook: told.hook)
        #expect(told.steps == ["retry true", "exhausted true", "retry true"])
    }

    @Test func cancellationIsNoFailure() async throws {
        let told = RecordedFailures()
        let started = Collector<Int>()
        let retry = ConsumeRetry(config(5), failureHook: told.hook)
        let chain = composeConsume([retry]) { message in
            started.add(message.attempt)
            try await Task.sleep(for: .seconds(600))
        }
        let task = Task { [message] in try await chain(message) }
        try await started.wait(forCount: 1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(told.steps == [])

        // Cancelled in a pause: the last failure was told, and no attempt follows.
        let pausing = Collector<Duration>()
        let failing = FailingHandler(failures: .max)
        let paused = Task {
            try await run(config(-1), .block, handler: failing, hook: told.hook, pauses: pausing) { count in
                if count == 2 { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        await #expect(throws: CancellationError.self) { try await paused.value }
        #expect(failing.made == [1, 2])
    }

    /// R2: the next attempt starts only after the one that took too long has ended.
    @Test func attemptsThatTakeTooLongAreCancelledAndNeverOverlap() async throws {
        let told = RecordedFailures()
        let running = Atomic<Int>(0)
        let retry = ConsumeRetry(config(5), attemptTimeout: .milliseconds(20), failureHook: told.hook)
        let chain = composeConsume([retry]) { message in
            #expect(running.add(1, ordering: .relaxed).newValue == 1, "attempts overlap")
            defer { running.subtract(1, ordering: .relaxed) }
            guard message.attempt < 3 else { return }
            do {
                try await Task.sleep(for: .seconds(600))
            } catch {
                // Cleaning up takes its time, which nobody cuts short.
                await Task { try? await Task.sleep(for: .milliseconds(30)) }.value
                throw error
            }
        }
        try await chain(message)
        #expect(told.steps == ["retry true", "retry true"])
        #expect(told.failures.allSatisfy { ($0.error as? ConsumerError)?.code == .attemptTimedOut })

        // One that completes although it was cancelled has completed.
        let stubborn = composeConsume([ConsumeRetry(config(0), policy: .stop, attemptTimeout: .milliseconds(5))]) { _ in
            try? await Task.sleep(for: .seconds(600))
        }
        try await stubborn(message)
    }

    @Test func dlqCommitWithoutAPublisherSaysSo() async throws {
        let error = await #expect(throws: ConsumerError.self) {
            try await run(config(0), .dlqCommit, handler: FailingHandler(failures: .max))
        }
        #expect(error?.code == .deadLetter)
    }
}
