/// What a producer was asked to send: the same for all handlers of a message and all its attempts.
///
/// An object, so that a ``ProduceContext`` is small: each handler's call keeps a copy of one while the message is under way,
/// and there may be very many of those. A producer's is also all else it knows of the message, hence a protocol.
package protocol ProduceRequest: AnyObject, Sendable {
    var message: ProduceMessage { get }
    /// The topic of a message that names none.
    var defaultTopic: String { get }
    var receivedAt: ContinuousClock.Instant { get }
    var worker: Int { get }
}

/// One without a producer, for testing a handler.
final class LoneProduceRequest: ProduceRequest {
    let message: ProduceMessage
    let defaultTopic: String
    let receivedAt = ContinuousClock.Instant.now
    let worker = 0

    init(_ message: ProduceMessage, topic: String) {
        self.message = message
        defaultTopic = topic
    }
}
