/// Where a group starts reading a partition for which it has committed nothing, or whose committed offset the
/// broker does not hold any more (Kafka's `auto.offset.reset`).
public struct StartOffset: Sendable, Hashable, CustomStringConvertible {
    /// librdkafka's word for it.
    public let description: String

    /// From the oldest message the broker holds: nothing is missed.
    public static let earliest = StartOffset(description: "earliest")

    /// From the messages that arrive from now on: what is there already is not read.
    public static let latest = StartOffset(description: "latest")
}
