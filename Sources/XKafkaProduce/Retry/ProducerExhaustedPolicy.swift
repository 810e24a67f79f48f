/// What happens to a message that failed as often as `RetryConfig` allows.
///
/// An error that is permanent, such as a message that is too large, is never tried again, whatever the
/// policy.
public struct ProducerExhaustedPolicy: Sendable, Hashable, CustomStringConvertible {
    /// xkafka's word for it.
    public let description: String

    /// Keep trying, with the longest pause. The messages of its key wait (in serial mode: all); everything
    /// else goes on.
    public static let block = ProducerExhaustedPolicy(description: "block")

    /// Fail it with ``ProducerError/Code/retriesExhausted``. Needs a finite number of retries.
    public static let stop = ProducerExhaustedPolicy(description: "stop")

    /// Fail it with ``ProducerError/Code/dropped``, which tells whoever does not care from everybody else.
    /// Needs a finite number of retries.
    public static let drop = ProducerExhaustedPolicy(description: "drop")
}
