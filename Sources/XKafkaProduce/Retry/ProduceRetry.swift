public import Logging
public import XKafkaCore

/// Tries the rest of the chain again when it fails.
///
/// Producers do that by themselves. This handler is for chains composed by hand. It keeps no order between
/// messages: a producer does, by holding back what follows.
///
/// A cancelled task ends the trying with `CancellationError`, and that does not count as a failure.
public struct ProduceRetry: RepeatingProduceHandler {
    private let rules: ProduceRetryRules
    private let clock: any Clock<Duration>

    /// A handler that tries again as `config` says.
    ///
    /// - Parameters:
    ///   - config: how often and after which pauses. Default: for ever.
    ///   - policy: what happens when that was often enough. Default ``ProducerExhaustedPolicy/block``.
    ///   - failureHook: told about each step of a message's failing. Default: nobody.
    ///   - logger: where the lines go. Default: a logger with the label `xkafka`.
    ///   - clock: what the pauses are waited for on; tests give one that takes no time, such as
    ///     `VirtualClock` of `XKafkaTesting`. Default: time as it passes.
    /// - Throws: `ConfigurationError` with everything that is wrong with the arguments.
    public init(
        _ config: RetryConfig = RetryConfig(),
        policy: ProducerExhaustedPolicy = .block,
        failureHook: ProduceFailureHook? = nil,
        logger: Logger = Logger(label: "xkafka"),
        clock: any Clock<Duration> = ContinuousClock()
    ) throws(ConfigurationError) {
        var checks = ConfigurationChecks(of: "ProduceRetry")
        config.check(&checks)
        policy.check(&checks, config)
        try checks.finish()
        rules = ProduceRetryRules(config, policy: policy, hook: failureHook, logger: logger)
        self.clock = clock
    }

    /// Calls `next` until it succeeds or the policy ends it.
    ///
    /// - Throws: `CancellationError` when the task is cancelled before an attempt or in a pause; ``ProducerError`` with
    ///   ``ProducerError/Code/retriesExhausted`` or ``ProducerError/Code/dropped``, as the policy is; under
    ///   ``ProducerExhaustedPolicy/block`` the error itself, if trying again is of no use.
    public func handle(_ message: ProduceContext, next: ProduceFunction) async throws -> ProduceResult {
        var message = message
        var wasExhausted = false
        message.attempt = 1
        while true {
            try Task.checkCancellation()
            AttemptNote.current?.began(attempt: message.attempt)
            do {
                var result = try await next(message)
                result.attempt = message.attempt
                return result
            } catch {
                if Task.isCancelled { throw error }
                switch rules.failed(message, error, wasExhausted: &wasExhausted) {
                case .fail(let error): throw error
                case .retry(let pause): try await clock.sleep(for: pause)
                }
            }
            message.attempt += 1
        }
    }
}

extension ProducerExhaustedPolicy {
    package func check(_ checks: inout ConfigurationChecks, _ retry: RetryConfig) {
        checks.require(
            self == .block || retry.maxRetries != RetryConfig.infiniteRetries,
            "exhaustedPolicy",
            got: self,
            "can never apply with infinite retries: set retry.maxRetries"
        )
    }
}
