package import GRDB
import Synchronization
package import XKafka

/// The checkpoints of one `consume` whose handlers write to the database of the store.
///
/// Transactions tell the database of each message that a handler has done; the consumer, from time to time, of what
/// it alone knows: offsets that are never delivered, dead letters, messages that middleware kept from the handler.
/// Both are merged, as long as they are about the same log: each assignment of a partition is one, and a log that
/// was reset begins another.
package final class TransactionalCheckpoints: AssignmentCheckpointStore {
    /// What is done of a partition, in a transaction under way.
    package struct Progress: Equatable {
        package let epoch: UInt64
        private let checkpoint: Checkpoint
        private var added: Set<Int64> = []

        init(_ epoch: UInt64, _ checkpoint: Checkpoint) {
            self.epoch = epoch
            self.checkpoint = checkpoint
        }

        package func contains(_ offset: Int64) -> Bool { added.contains(offset) || checkpoint.contains(offset) }

        package mutating func add(_ offset: Int64) { added.insert(offset) }

        /// What is to be written: everything of before, and what was added.
        var result: Checkpoint { checkpoint.adding(added) }
    }

    private struct State {
        /// Where the consumer began.
        var loaded: [TopicPartition: Int64] = [:]
        /// The assignment that each row is of, once one has written to it.
        var epochs: [TopicPartition: UInt64] = [:]
    }

    private let store: SQLiteOffsetStore
    /// Written in the database's writing thread alone.
    private let state = Mutex(State())

    package init(_ store: SQLiteOffsetStore) {
        self.store = store
    }

    var database: any DatabaseWriter { store.database }

    // MARK: The consumer

    package func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint? {
        let checkpoint = try await store.loadCheckpoint(partition)
        state.withLock { $0.loaded[partition] = checkpoint?.nextOffset }
        return checkpoint
    }

    package func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws {
        try await store.save(checkpoint, for: partition)
    }

    package func save(_ checkpoint: Checkpoint, for partition: TopicPartition, assignmentEpoch epoch: UInt64)
        async throws
    {
        try await database.write { [self] db in
            let (written, loaded) = state.withLock { ($0.epochs[partition], $0.loaded[partition]) }
            // Of a log that is gone. The consumer will save what it knows of the new one.
            if let written, written > epoch { return }
            let isSameLog = written.map { $0 == epoch } ?? (checkpoint.nextOffset >= loaded ?? 0)
            guard isSameLog, let stored = try store.row(of: partition, db) else {
                try store.write(checkpoint, of: partition, db)
                return note([partition: epoch], after: db)
            }
            let merged = stored.merging(checkpoint)
            if merged != stored { try store.write(merged, of: partition, db) }
        }
    }

    // MARK: Transactions

    /// What is done of the partition of `message`; `nil` when its log is gone.
    ///
    /// - Parameter progress: what the transaction under way knows of the partition already.
    package func progress(before message: ConsumeContext, _ progress: Progress?, _ db: Database) throws -> Progress? {
        let partition = message.topicPartition
        let epoch = message.assignmentEpoch
        let (written, loaded) = state.withLock { ($0.epochs[partition], $0.loaded[partition]) }
        let newest = [progress?.epoch, written].compactMap { $0 }.max()
        if let newest, newest > epoch { return nil }
        if let progress, progress.epoch == epoch { return progress }
        // Messages with other keys may be on their way that come before this one.
        let start = message.firstOffsetOfAssignment ?? message.offset
        // The log was reset while consuming, or before, when reading starts below the checkpoint. Its offsets mean
        // other messages now.
        let isSameLog = newest.map { $0 == epoch } ?? (start >= loaded ?? start)
        let stored = isSameLog ? try store.row(of: partition, db) : nil
        return Progress(epoch, stored ?? Checkpoint(nextOffset: start))
    }

    /// Writes what is done, in the transaction under way.
    package func write(_ progress: [TopicPartition: Progress], _ db: Database) throws {
        for (partition, progress) in progress { try store.write(progress.result, of: partition, db) }
        note(progress.mapValues(\.epoch), after: db)
    }

    private func note(_ epochs: [TopicPartition: UInt64], after db: Database) {
        db.afterNextTransaction { [self] _ in state.withLock { $0.epochs.merge(epochs) { max($0, $1) } } }
    }
}
