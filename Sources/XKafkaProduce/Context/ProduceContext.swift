public import XKafkaCore

/// A message on its way through the handlers of a producer.
public struct ProduceContext: Sendable {
    /// What is sent. A handler may pass on a copy of the context with another message in it; its order stays
    /// that of the original's key.
    public var message: ProduceMessage {
        get { change?.message ?? request.message }
        set { change = Change(newValue) }
    }

    /// Where it is sent: the message's own topic, or the producer's default.
    public var topic: String {
        let named = if let change { change.message.topic } else { request.message.topic }
        return named ?? request.defaultTopic
    }

    /// Which attempt at this message this is, counted from 1.
    public package(set) var attempt: Int

    /// When the producer was given the message, before any waiting.
    public var receivedAt: ContinuousClock.Instant { request.receivedAt }

    /// What chose the lane: the message's key, or its topic when it has none or an empty one.
    public var dispatchKey: MessageBytes {
        request.message.key.flatMap { $0.isEmpty ? nil : $0 }
            ?? MessageBytes(request.message.topic ?? request.defaultTopic)
    }

    /// The lane the message is in, from 0.
    public var worker: Int { request.worker }

    /// What a handler put in the place of the message.
    private final class Change: Sendable {
        let message: ProduceMessage

        init(_ message: ProduceMessage) {
            self.message = message
        }
    }

    private let request: any ProduceRequest
    private var change: Change?
    /// What the producer knows the message by; `nil` outside of one.
    package let origin: (any AnyObject & Sendable)?

    package init(_ request: any ProduceRequest, attempt: Int, origin: (any AnyObject & Sendable)?) {
        self.request = request
        self.attempt = attempt
        self.origin = origin
    }

    /// A context for testing a handler without a producer.
    ///
    /// - Parameters:
    ///   - message: what is sent.
    ///   - topic: the topic of a message that names none.
    ///   - attempt: which attempt it is, counted from 1.
    public init(_ message: ProduceMessage, topic: String = "test", attempt: Int = 1) {
        self.init(LoneProduceRequest(message, topic: message.topic ?? topic), attempt: attempt, origin: nil)
    }
}
