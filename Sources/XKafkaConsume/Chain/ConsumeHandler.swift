/// What is done with a message: a whole chain of handlers, or the rest of one.
public typealias ConsumeFunction = @Sendable (ConsumeContext) async throws -> Void

/// A step on a message's way to the function that was given to `consume`: middleware.
///
/// A handler looks at the message, does its part, and calls `next` for the rest, at most once. Not
/// calling it and returning is success: the message is done. Throwing is a failure, and the message is
/// tried again from the first handler on.
///
/// One handler serves many messages at the same time.
public protocol ConsumeHandler: Sendable {
    /// Handles `message`, calling `next` for what comes after.
    ///
    /// - Throws: whatever makes this attempt a failed one, such as what `next` throws.
    func handle(_ message: ConsumeContext, next: ConsumeFunction) async throws
}

/// A ``ConsumeHandler`` that may call `next` more than once for one message, because trying again is its
/// purpose: ``ConsumeRetry``, and what you write in its place.
public protocol RepeatingConsumeHandler: ConsumeHandler {}

/// A ``ConsumeHandler`` made of a closure.
///
/// ```swift
/// let skipTombstones = ConsumeMiddleware { message, next in
///     if message.value != nil { try await next(message) }
/// }
/// ```
public struct ConsumeMiddleware: ConsumeHandler {
    private let body: @Sendable (ConsumeContext, ConsumeFunction) async throws -> Void

    /// A handler that calls `body` with the message and with the rest of the chain.
    public init(_ body: @escaping @Sendable (ConsumeContext, ConsumeFunction) async throws -> Void) {
        self.body = body
    }

    /// Calls the closure, and throws what it throws.
    public func handle(_ message: ConsumeContext, next: ConsumeFunction) async throws {
        try await body(message, next)
    }
}
