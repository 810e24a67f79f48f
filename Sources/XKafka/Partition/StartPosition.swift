/// Where a ``PartitionConsumer`` starts reading a partition for which its store holds nothing.
public enum StartPosition: Sendable, Hashable {
    /// At the oldest message the broker holds.
    case earliest
    /// Behind the newest: what is there already is not read.
    case latest
    /// At this offset, which may be 0.
    case offset(Int64)
    /// At the first message whose timestamp is not older than this, in milliseconds since 1970-01-01 00:00
    /// UTC; behind the newest when all are older.
    case timestamp(Int64)
}

/// Where a ``PartitionConsumer`` stops by itself.
public enum EndPosition: Sendable, Hashable {
    /// Never: it waits for what is written next.
    case never
    /// At the end that each partition had when `consume` was called. What is written later is not read.
    case untilEnd
    /// Before this offset, in each partition.
    case offset(Int64)
}

/// What a ``PartitionConsumer`` does when the broker does not hold the offset to go on at: retention has
/// deleted it, or the topic was made anew (Kafka's `auto.offset.reset`).
public struct OutOfRangePolicy: Sendable, Hashable, CustomStringConvertible {
    /// librdkafka's word for it.
    public let description: String

    /// Go on at the oldest message there is.
    public static let earliest = OutOfRangePolicy(description: "earliest")
    /// Go on behind the newest; what is there already is not read.
    public static let latest = OutOfRangePolicy(description: "latest")
    /// End `consume` with ``/XKafkaConsume/ConsumerError/Code/offsetOutOfRange``.
    public static let fail = OutOfRangePolicy(description: "error")
}
