public import XKafkaCore

/// Keeps how far a ``PartitionConsumer`` has come.
///
/// The consumer calls `load` once when it starts, and `save` from time to time and at the end, never
/// twice at the same time. Offsets only grow, unless the topic was deleted and made anew.
public protocol OffsetStore: Sendable {
    /// The offset of the next message to read from `partition`, or `nil` when none was saved.
    func load(_ partition: TopicPartition) async throws -> Int64?

    /// Keeps `nextOffset`: every message of `partition` before it is done. What a later
    /// ``load(_:)`` answers once this returned.
    func save(_ nextOffset: Int64, for partition: TopicPartition) async throws
}
