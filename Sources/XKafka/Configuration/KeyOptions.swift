public import XKafkaConsume
public import XKafkaCore

/// Answers what orders a message: messages of one partition with equal logical keys are handled one after
/// the other. `nil`, or no bytes, means that the message has none; see ``KeylessOrder``.
///
/// It is called once per message, in order, on a thread that does nothing else, so it has to be quick. The
/// bytes may point into the message. What it throws is a failure of that message: its attempts fail with
/// ``/XKafkaConsume/ConsumerError/Code/keyExtraction``, and retries, dead letters and the exhausted policy apply. Until it
/// succeeds the message takes its turn among those without a key.
public typealias KeyExtractor = @Sendable (ConsumeContext) throws -> MessageBytes?

/// How messages without a logical key are ordered.
public struct KeylessOrder: Sendable, Hashable, CustomStringConvertible {
    /// The name of the order.
    public let description: String

    /// One after the other in each partition, as if they had one key in common.
    public static let partition = KeylessOrder(description: "partition")
    /// Not at all: they are handled at the same time, like messages of different keys.
    public static let unordered = KeylessOrder(description: "unordered")
}
