public import XKafkaCore

/// A message on its way through the handlers of a producer.
public struct ProduceContext: Sendable {
    /// What is sent. A handler may pass on a copy of the context with another message in it; its order stays
    /// that of the original's key.
    public var message: ProduceMessage

    /// Where it is sent: the message's own topic, or the producer's default.
    public var topic: String { message.topic ?? defaultTopic }

    /// Which attempt at this message this is, counted from 1.
    public package(set) var attempt: Int

    /// When the producer was given the message, before any waiting.
    public let receivedAt: ContinuousClock.Instant

    /// What chose the lane: the message's key, or its topic when it has none or an empty one.
    public let dispatchKey: MessageBytes

    /// The lane the message is in, from 0.
    public let worker: Int

    private let defaultTopic: String
    /// What the producer knows the message by; `nil` outside of one.
    package let origin: (any AnyObject & Sendable)?

    package init(
        _ message: ProduceMessage,
        topic: String,
        attempt: Int,
        receivedAt: ContinuousClock.Instant,
        worker: Int,
        origin: (any AnyObject & Sendable)?
    ) {
        self.message = message
        self.attempt = attempt
        self.receivedAt = receivedAt
        self.worker = worker
        self.origin = origin
        defaultTopic = topic
        dispatchKey = message.key.flatMap { $0.isEmpty ? nil : $0 } ?? MessageBytes(topic)
    }

    /// A context for testing a handler without a producer.
    ///
    /// - Parameters:
    ///   - message: what is sent.
    ///   - topic: the topic of a message that names none.
    ///   - attempt: which attempt it is, counted from 1.
    public init(_ message: ProduceMessage, topic: String = "test", attempt: Int = 1) {
        self.init(
            message,
            topic: message.topic ?? topic,
            attempt: attempt,
            receivedAt: .now,
            worker: 0,
            origin: nil
        )
    }
}
