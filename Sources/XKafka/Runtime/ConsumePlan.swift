package import Logging
package import XKafkaConsume

/// What a `consume` call is to do with messages: the configuration, put into the form the engine needs.
struct ConsumePlan: Sendable {
    let processing: ProcessingConfig
    let logger: Logger
    /// The user handlers and the business handler.
    let handler: ConsumeFunction
    /// What follows a failed attempt.
    let rules: RetryRules
    /// `nil` when they are off.
    let metrics: ConsumerMetrics?
    /// The line that each message leaves; `nil` when switched off.
    let log: ConsumeLog?
    let routing: MessageRouting
    /// Where messages go that failed too often; `nil` when the policy is another.
    let deadLetters: (any DeadLetterPublisher)?

    init(
        _ processing: ProcessingConfig,
        logger: Logger,
        group: String?,
        deadLetters: (any DeadLetterPublisher)?,
        metrics: ConsumerMetrics?,
        handler: @escaping ConsumeFunction
    ) {
        self.processing = processing
        self.logger = logger
        // Timing is a handler around the others, so that it costs nothing when it is off. `??` would wrap the function,
        // which is one more asynchronous call for each message.
        if let metrics { self.handler = metrics.timing(handler) } else { self.handler = handler }
        self.metrics = metrics
        self.deadLetters = deadLetters
        rules = processing.retryRules(group: group, logger: logger)
        log = processing.logsMessages ? ConsumeLog(logger, successLevel: processing.successLogLevel) : nil
        routing = MessageRouting(shardCount: processing.shardCount, keylessOrder: processing.keylessOrder)
    }
}

extension ProcessingConfig {
    /// What follows a failed attempt, as configured.
    package func retryRules(group: String?, logger: Logger) -> RetryRules {
        RetryRules(
            retry,
            policy: exhaustedPolicy,
            isPermanent: isPermanent,
            hook: failureHook,
            group: group,
            logger: logger
        )
    }
}
