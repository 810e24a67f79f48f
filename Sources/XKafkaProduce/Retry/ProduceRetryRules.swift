package import Logging
package import XKafkaCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Decides what follows when an attempt at a message failed, logs it and tells the hook: what the producer and
/// ``ProduceRetry`` have in common.
package struct ProduceRetryRules: Sendable {
    /// What follows.
    package enum Verdict: Sendable {
        case retry(after: Duration)
        case fail(any Error)
    }

    private let config: RetryConfig
    private let policy: ProducerExhaustedPolicy
    private let hook: ProduceFailureHook?
    private let logger: Logger

    package init(
        _ config: RetryConfig,
        policy: ProducerExhaustedPolicy,
        hook: ProduceFailureHook?,
        logger: Logger
    ) {
        self.config = config
        self.policy = policy
        self.hook = hook
        self.logger = logger
    }

    /// Whether another attempt is possible after this error, if nothing else stands against it.
    package func mayRetry(_ error: any Error, attempt: Int) -> Bool {
        !Self.isPermanent(error) && (policy == .block || !config.isExhausted(afterAttempt: attempt))
    }

    /// - Parameters:
    ///   - message: with the number of the attempt that failed.
    ///   - mayRetry: `false` when something else stands against another attempt; `error` says what.
    ///   - wasExhausted: whether an earlier attempt had used up what is allowed; updated.
    package func failed(
        _ message: ProduceContext,
        _ error: any Error,
        mayRetry: Bool = true,
        wasExhausted: inout Bool
    ) -> Verdict {
        let isPermanent = !mayRetry || Self.isPermanent(error)
        let decision = config.decide(
            afterAttempt: message.attempt,
            isPermanent: isPermanent,
            wasExhausted: wasExhausted,
            // Not even blocking tries again what cannot succeed.
            blocks: policy == .block && !isPermanent
        )
        wasExhausted = decision.isExhausted
        tell(.retry, message, error, willRetry: decision.willRetry)
        if decision.isNewlyExhausted { tell(.exhausted, message, error, willRetry: decision.willRetry) }
        if decision.willRetry {
            var generator = SystemRandomNumberGenerator()
            let pause = config.pause(afterAttempt: message.attempt, using: &generator)
            var metadata = metadata(message, error)
            metadata["backoff"] = "\(pause)"
            logger.warning("xkafka producer retrying", metadata: metadata)
            return .retry(after: pause)
        }
        return .fail(end(message, error))
    }

    private func end(_ message: ProduceContext, _ error: any Error) -> any Error {
        switch policy {
        case .stop:
            let wrapped = ProducerError(.retriesExhausted, cause: error)
            logger.error("xkafka producer stop", metadata: metadata(message, error))
            tell(.stop, message, wrapped, willRetry: false)
            return wrapped
        case .drop:
            let wrapped = ProducerError(.dropped, cause: error)
            logger.error("xkafka producer drop", metadata: metadata(message, error))
            tell(.drop, message, wrapped, willRetry: false)
            return wrapped
        default:
            return error
        }
    }

    private func tell(_ stage: ProduceFailure.Stage, _ message: ProduceContext, _ error: any Error, willRetry: Bool) {
        hook?(
            ProduceFailure(
                message: message,
                stage: stage,
                error: error,
                policy: policy,
                willRetry: willRetry,
                timestamp: Date()
            )
        )
    }

    private func metadata(_ message: ProduceContext, _ error: any Error) -> Logger.Metadata {
        var metadata = message.logMetadata
        metadata["error"] = "\(error)"
        return metadata
    }

    private static func isPermanent(_ error: any Error) -> Bool {
        if let error = error as? KafkaError { return error.errorClass != .retriable }
        return error is any PermanentError
    }
}
