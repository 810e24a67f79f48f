/// The time a Kafka message carries, and who set it.
public struct MessageTimestamp: Sendable, Hashable {
    /// Who set the time (Kafka's `message.timestamp.type`).
    public enum Source: Sendable, Hashable {
        /// The producer, when it made the message.
        case createTime
        /// The broker, when it appended the message to its log.
        case logAppendTime
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    public let millisecondsSinceEpoch: Int64

    /// Who set the time.
    public let source: Source

    /// A time in milliseconds since 1970-01-01 00:00 UTC.
    public init(millisecondsSinceEpoch: Int64, source: Source = .createTime) {
        self.millisecondsSinceEpoch = millisecondsSinceEpoch
        self.source = source
    }
}
