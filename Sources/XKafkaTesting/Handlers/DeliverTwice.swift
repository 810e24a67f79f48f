public import XKafkaConsume

/// Gives each message to the rest of the chain twice, to prove that handlers are idempotent: after a crash or a
/// rebalance, what was done but not committed yet is delivered again.
///
/// Put it before the handlers under test, and expect the effects of one delivery:
///
/// ```swift
/// config.handlers.insert(DeliverTwice(), at: 0)
/// ```
///
/// The second delivery follows the first one at once, with nothing else of its key in between; it is not made when
/// the first one fails, since trying again is one too. A crash repeats a run of messages in their order:
/// `handle(orders + orders)` of a ``TestConsumer`` does so.
public struct DeliverTwice: RepeatingConsumeHandler {
    /// A handler that delivers twice.
    public init() {}

    /// Calls `next`, and when that succeeded once more.
    public func handle(_ message: ConsumeContext, next: ConsumeFunction) async throws {
        try await next(message)
        try await next(message)
    }
}
