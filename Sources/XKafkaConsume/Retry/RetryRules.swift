package import Logging
package import XKafkaCore

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What a message's failures so far come to. Kept for messages that have failed, and only for them.
package struct FailureRecord: Sendable {
    /// When the first attempt failed.
    package let firstFailedAt: Date
    /// Whether the attempts allowed are used up.
    package let isExhausted: Bool
}

/// Decides what follows a failed attempt, and tells about it in the log and to the failure hook.
///
/// The one place for both the consumers' engine, which waits without holding a worker, and
/// ``ConsumeRetry``, which waits where it stands.
package struct RetryRules: Sendable {
    package let config: RetryConfig
    package let policy: ExhaustedPolicy
    /// Errors of users' choice that trying again does not help, beside those that say so themselves.
    private let predicate: (@Sendable (any Error) -> Bool)?
    private let hook: ConsumeFailureHook?
    private let group: String?
    private let log: RetryLog

    package init(
        _ config: RetryConfig,
        policy: ExhaustedPolicy,
        isPermanent: (@Sendable (any Error) -> Bool)?,
        hook: ConsumeFailureHook?,
        group: String?,
        logger: Logger
    ) {
        self.config = config
        self.policy = policy
        predicate = isPermanent
        self.hook = hook
        self.group = group
        log = RetryLog(logger)
    }

    /// What to do about a failed attempt.
    package enum Step: Sendable {
        /// Try again after a pause.
        case retry(after: Duration)
        /// Publish this, then the message is done.
        case publish(DeadLetter)
        /// Stop consuming with this error.
        case stop(ConsumerError)
    }

    /// Decides what follows when an attempt at `message` failed, and tells about it.
    ///
    /// - Parameter record: its earlier failures; afterwards this one is among them.
    package func fail(_ message: ConsumeContext, _ error: any Error, record: inout FailureRecord?) -> Step {
        let now = Date()
        let decision = config.decide(
            afterAttempt: message.attempt,
            isPermanent: isPermanent(error),
            wasExhausted: record?.isExhausted ?? false,
            blocks: policy == .block
        )
        let firstFailedAt = record?.firstFailedAt ?? now
        record = FailureRecord(firstFailedAt: firstFailedAt, isExhausted: decision.isExhausted)
        tell(message, .retry, error, willRetry: decision.willRetry, now)
        if decision.isNewlyExhausted { tell(message, .exhausted, error, willRetry: decision.willRetry, now) }
        if decision.willRetry {
            let pause = pause(afterAttempt: message.attempt)
            log.retrying(message, error, after: pause)
            return .retry(after: pause)
        }
        guard policy == .dlqCommit else {
            let position = TopicPartitionOffset(message.topicPartition, offset: message.offset)
            let stop = ConsumerError(.retriesExhausted, position: position, cause: error)
            log.stopping(message, error)
            tell(message, .stop, stop, willRetry: false, now)
            return .stop(stop)
        }
        return .publish(
            DeadLetter(message, error: error, firstFailedAt: firstFailedAt, failedAt: now, group: group)
        )
    }

    /// Tells that a dead letter was published.
    package func published(_ letter: DeadLetter) {
        tell(letter.message, .dlq, letter.error, willRetry: false, Date())
    }

    /// Tells that a dead letter could not be published. Answers the pause before the next try.
    ///
    /// - Parameter attempt: how many times publishing was tried, counted from 1.
    package func publishFailed(_ letter: DeadLetter, _ cause: any Error, attempt: Int) -> Duration {
        let message = letter.message
        let error = ConsumerError(.deadLetter, cause: cause)
        tell(message, .dlq, error, willRetry: true, Date())
        let pause = pause(afterAttempt: attempt)
        log.publishFailed(message, error, after: pause)
        return pause
    }

    private func isPermanent(_ error: any Error) -> Bool {
        // What a key extractor threw comes wrapped.
        let cause = (error as? ConsumerError)?.cause
        return error is any PermanentError || cause is any PermanentError || predicate?(error) ?? false
    }

    private func pause(afterAttempt attempt: Int) -> Duration {
        var random = SystemRandomNumberGenerator()
        return config.pause(afterAttempt: attempt, using: &random)
    }

    private func tell(
        _ message: ConsumeContext,
        _ stage: ConsumeFailure.Stage,
        _ error: any Error,
        willRetry: Bool,
        _ now: Date
    ) {
        hook?(ConsumeFailure(message, stage, error, policy: policy, willRetry: willRetry, timestamp: now))
    }
}
