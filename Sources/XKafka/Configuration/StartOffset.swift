/// Where reading starts in a partition that has no committed offset or checkpoint, or whose offset
/// the broker does not hold any more (Kafka's `auto.offset.reset`).
public struct StartOffset: Sendable, Hashable, CustomStringConvertible {
    /// librdkafka's word for it.
    public let description: String

    /// The logical offset that librdkafka understands.
    let logicalOffset: Int64

    /// From the oldest message the broker holds: nothing is missed.
    public static let earliest = StartOffset(description: "earliest", logicalOffset: -2)

    /// From the messages that arrive from now on: what is there already is not read.
    public static let latest = StartOffset(description: "latest", logicalOffset: -1)
}
