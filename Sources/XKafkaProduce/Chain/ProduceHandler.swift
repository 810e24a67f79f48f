import XKafkaCore

/// What is done with a message that is to be sent: a whole chain of handlers, or the rest of one. It returns
/// where the message went.
public typealias ProduceFunction = @Sendable (ProduceContext) async throws -> ProduceResult

/// A step on a message's way to Kafka: middleware.
///
/// A handler looks at the message, changes it if it likes, and calls `next` for the rest, at most once. What
/// `next` returns is the brokers' acknowledgement. Not calling it and returning a result is an answer in its
/// place: nothing is sent. Throwing is a failure, and the message is tried again from the first handler on, as
/// ``/XKafkaCore/RetryConfig`` says, unless the error is a ``/XKafkaCore/PermanentError``.
///
/// One handler serves many messages at the same time. The handlers of one message of a key (in serial mode: of
/// any) begin when the message before it was handed to librdkafka; do slow work before producing.
///
/// To change the message, copy the context, change the copy and pass that on.
public protocol ProduceHandler: Sendable {
    /// Handles `message`, calling `next` for what comes after.
    ///
    /// - Returns: where the message went: what `next` returns, or an answer in its place.
    /// - Throws: whatever makes this attempt a failed one, such as what `next` throws.
    func handle(_ message: ProduceContext, next: ProduceFunction) async throws -> ProduceResult
}

/// A ``ProduceHandler`` that may call `next` more than once for one message, because trying again is its
/// purpose: ``ProduceRetry``, and what you write in its place. One call after the other.
public protocol RepeatingProduceHandler: ProduceHandler {}

/// A ``ProduceHandler`` made of a closure.
///
/// ```swift
/// let origin = ProduceMiddleware { message, next in
///     var message = message
///     message.message.headers.append("origin", "billing")
///     return try await next(message)
/// }
/// ```
public struct ProduceMiddleware: ProduceHandler {
    private let body: @Sendable (ProduceContext, ProduceFunction) async throws -> ProduceResult

    /// A handler that calls `body` with the message and with the rest of the chain.
    public init(_ body: @escaping @Sendable (ProduceContext, ProduceFunction) async throws -> ProduceResult) {
        self.body = body
    }

    /// Calls the closure, and throws what it throws.
    public func handle(_ message: ProduceContext, next: ProduceFunction) async throws -> ProduceResult {
        try await body(message, next)
    }
}
