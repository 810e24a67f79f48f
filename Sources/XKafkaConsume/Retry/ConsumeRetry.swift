public import Logging
public import XKafkaCore

/// Tries the rest of the chain again when it fails.
///
/// Consumers retry by themselves, without holding up a worker. This handler is for chains composed by
/// hand: it waits where it stands, and so does whoever called it.
///
/// ```swift
/// let handle = composeConsume(
///     [ConsumeRetry(RetryConfig(maxRetries: 3), policy: .dlqCommit, deadLetters: publisher)],
///     { message in try await apply(message) }
/// )
/// ```
///
/// With ``ExhaustedPolicy/dlqCommit`` a message that failed too often is given to a
/// ``DeadLetterPublisher``; when that fails, publishing is repeated, not the handler.
public struct ConsumeRetry: RepeatingConsumeHandler {
    private let rules: RetryRules
    private let deadLetters: (any DeadLetterPublisher)?
    private let attemptTimeout: Duration?
    private let sleep: @Sendable (Duration) async throws -> Void

    /// A handler that retries.
    ///
    /// - Parameters:
    ///   - config: how often, and after which pauses. Default: for ever.
    ///   - policy: what happens when that was often enough. Default ``ExhaustedPolicy/block``.
    ///   - deadLetters: where messages go under ``ExhaustedPolicy/dlqCommit``. Without it, that policy
    ///     throws ``ConsumerError/Code/deadLetter``.
    ///   - attemptTimeout: how long one attempt may take before it is cancelled; the next starts only
    ///     after it ended. Default `nil`: no limit.
    ///   - isPermanent: errors for which trying again is of no use, beside those that conform to
    ///     `PermanentError`. Default: none.
    ///   - failureHook: told about each step of a message's failing. Default: nobody.
    ///   - group: the group that dead letters name. Default `nil`.
    ///   - logger: where retries are logged. Default: a logger with the label `xkafka`.
    ///   - clock: what the pauses are waited for on; tests give one that takes no time, such as
    ///     `VirtualClock` of `XKafkaTesting`. It does not measure `attemptTimeout`. Default: time as it passes.
    public init(
        _ config: RetryConfig = RetryConfig(),
        policy: ExhaustedPolicy = .block,
        deadLetters: (any DeadLetterPublisher)? = nil,
        attemptTimeout: Duration? = nil,
        isPermanent: (@Sendable (any Error) -> Bool)? = nil,
        failureHook: ConsumeFailureHook? = nil,
        group: String? = nil,
        logger: Logger = Logger(label: "xkafka"),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.init(
            rules: RetryRules(
                config,
                policy: policy,
                isPermanent: isPermanent,
                hook: failureHook,
                group: group,
                logger: logger
            ),
            deadLetters: deadLetters,
            attemptTimeout: attemptTimeout,
            sleep: { try await clock.sleep(for: $0) }
        )
    }

    package init(
        rules: RetryRules,
        deadLetters: (any DeadLetterPublisher)?,
        attemptTimeout: Duration?,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.rules = rules
        self.deadLetters = deadLetters
        self.attemptTimeout = attemptTimeout
        self.sleep = sleep
    }

    /// Calls `next` until it succeeds or the policy ends it.
    ///
    /// - Throws: `CancellationError` when the task is cancelled before an attempt or in a pause;
    ///   ``ConsumerError`` with ``ConsumerError/Code/retriesExhausted`` under ``ExhaustedPolicy/stop``.
    public func handle(_ message: ConsumeContext, next: ConsumeFunction) async throws {
        var message = message
        message.attempt = 1
        var record: FailureRecord?
        while true {
            try Task.checkCancellation()
            HandlingNote.current?.began(attempt: message.attempt)
            do {
                return try await attempt(message, next)
            } catch {
                // Being cancelled is no failure of the message.
                if Task.isCancelled { throw error }
                switch rules.fail(message, error, record: &record) {
                case .retry(let pause): try await sleep(pause)
                case .publish(let letter): return try await publish(letter)
                case .stop(let error): throw error
                }
            }
            message.attempt += 1
        }
    }

    private func attempt(_ message: ConsumeContext, _ next: ConsumeFunction) async throws {
        guard attemptTimeout != nil else { return try await next(message) }
        try await withoutActuallyEscaping(next) { next in
            try await withAttemptTimeout(attemptTimeout, message) { try await next(message) }
        }
    }

    private func publish(_ letter: DeadLetter) async throws {
        guard let deadLetters else { throw ConsumerError(.deadLetter, cause: letter.error) }
        var attempt = 1
        while true {
            try Task.checkCancellation()
            do {
                try await deadLetters.publish(letter)
                rules.published(letter)
                HandlingNote.current?.deadLettered(letter.error)
                return
            } catch {
                if Task.isCancelled { throw error }
                try await sleep(rules.publishFailed(letter, error, attempt: attempt))
            }
            attempt += 1
        }
    }
}
