import Synchronization
public import XKafkaCore

/// An ``OffsetStore`` that forgets everything when the process ends.
public final class MemoryOffsetStore: CheckpointStore {
    private let checkpoints = Mutex<[TopicPartition: Checkpoint]>([:])

    /// A store that holds nothing.
    public init() {}

    /// The checkpoint that was saved last for `partition`, or `nil`. Never throws.
    public func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint? {
        checkpoints.withLock { $0[partition] }
    }

    /// Keeps `checkpoint` for `partition`. Never throws.
    public func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws {
        checkpoints.withLock { $0[partition] = checkpoint }
    }
}
