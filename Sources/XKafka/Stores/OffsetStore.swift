public import XKafkaCore

/// Keeps how far a ``PartitionConsumer`` has come.
///
/// The consumer calls `load` once for each partition when it starts, and `save` from time to time and at the
/// end, never twice at the same time. Offsets only grow, unless the topic was deleted and made anew.
///
/// A store of this kind keeps the offset alone: after a restart, what was completed behind an unfinished
/// message is handled again. A ``CheckpointStore`` keeps that too.
public protocol OffsetStore: Sendable {
    /// The offset of the next message to read from `partition`, or `nil` when none was saved.
    ///
    /// - Throws: what keeps it from being read. `consume` then throws ``/XKafkaConsume/ConsumerError/Code/loadOffset`` with
    ///   that as its cause, rather than begin where it should not.
    func load(_ partition: TopicPartition) async throws -> Int64?

    /// Keeps `nextOffset`: every message of `partition` before it is done. What a later
    /// ``load(_:)`` answers once this returned.
    ///
    /// - Throws: what keeps it from being kept. It is saved again after a pause, until
    ///   ``PartitionConsumerConfig/storeFailureLimit`` has passed.
    func save(_ nextOffset: Int64, for partition: TopicPartition) async throws
}

/// An ``OffsetStore`` that keeps what is completed beyond the offset as well.
public protocol CheckpointStore: OffsetStore {
    /// The checkpoint of `partition`, or `nil` when none was saved.
    ///
    /// - Throws: as ``OffsetStore/load(_:)``.
    func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint?

    /// Keeps `checkpoint`, whole or not at all. What a later ``loadCheckpoint(_:)`` answers once this
    /// returned.
    ///
    /// - Throws: as ``OffsetStore/save(_:for:)``.
    func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws
}

extension CheckpointStore {
    /// The offset of the checkpoint. Throws what ``loadCheckpoint(_:)`` throws.
    public func load(_ partition: TopicPartition) async throws -> Int64? {
        try await loadCheckpoint(partition)?.nextOffset
    }

    /// Keeps an offset beyond which nothing is completed. Throws what ``save(_:for:)-(Checkpoint,_)`` throws.
    public func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {
        try await save(Checkpoint(nextOffset: nextOffset), for: partition)
    }
}
