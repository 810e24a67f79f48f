package import XKafkaCore

/// A ``CheckpointStore`` that is told which assignment a checkpoint is of.
///
/// When a log is reset, its offsets mean other messages, and a new assignment begins: whoever merges checkpoints
/// must not take one of the old log for one of the new.
package protocol AssignmentCheckpointStore: CheckpointStore {
    /// Keeps `checkpoint`, which the assignment with this number has come to. Later assignments have larger ones.
    func save(_ checkpoint: Checkpoint, for partition: TopicPartition, assignmentEpoch: UInt64) async throws
}
