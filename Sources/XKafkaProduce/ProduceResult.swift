public import XKafkaCore

/// Where a message went, as the broker acknowledged it.
public struct ProduceResult: Sendable, Hashable {
    /// The topic.
    public let topic: String

    /// The partition.
    public let partition: Int32

    /// The offset in that partition; `nil` when the broker does not tell (acks 0).
    public let offset: Int64?

    /// The time the message carries in the log.
    public let timestamp: MessageTimestamp?

    /// How many attempts it took, counted from 1.
    public let attempt: Int

    /// A result as the broker, a middleware or a test gives it.
    public init(topic: String, partition: Int32, offset: Int64?, timestamp: MessageTimestamp?, attempt: Int) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.attempt = attempt
    }
}
