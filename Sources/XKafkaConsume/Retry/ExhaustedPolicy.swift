/// What happens to a message whose handler failed as often as `RetryConfig` allows.
public struct ExhaustedPolicy: Sendable, Hashable, CustomStringConvertible {
    /// xkafka's word for it.
    public let description: String

    /// Keep trying, with the longest pause. The messages of its key wait; everything else goes on.
    public static let block = ExhaustedPolicy(description: "block")

    /// Publish the message as a ``DeadLetter``, and go on once the brokers have that: then the message
    /// counts as done. Needs a finite number of retries, and a place for dead letters.
    public static let dlqCommit = ExhaustedPolicy(description: "dlq_commit")

    /// Stop the consumer: `consume` throws ``ConsumerError/Code/retriesExhausted``. The message is
    /// not committed and will be read again. Needs a finite number of retries.
    public static let stop = ExhaustedPolicy(description: "stop")
}
