/// Sends messages in librdkafka's place, for tests of what uses a producer.
///
/// Everything else stays as it is: order, lanes, handlers, retries, logging and closing.
public protocol ProduceTransport: Sendable {
    /// Sends a message and returns when it is acknowledged. Errors are tried again as `RetryConfig` says,
    /// unless they are a `PermanentError` or a `KafkaError` that is not retriable.
    ///
    /// Called for one message of a key (in serial mode: for one message) at a time.
    ///
    /// - Parameters:
    ///   - message: the message, with its topic filled in.
    func send(_ message: ProduceMessage) async throws -> ProduceResult
}
