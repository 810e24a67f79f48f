import Dispatch
import GRDB
import Synchronization
import XKafka

/// Runs handlers within write transactions, as many as are ready at the time in one.
///
/// One transaction for each message would be bound by how often the disk can make something durable. Never more
/// wait here than handlers may run at the same time.
final class TransactionQueue: Sendable {
    private struct Job: Sendable {
        let message: ConsumeContext
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var waiting: [Job] = []
        var isWriting = false
        /// The assignment of each partition whose checkpoint the database has.
        var known: [TopicPartition: UInt64] = [:]
    }

    /// How many messages share a transaction at most: others want to write to the database too.
    private static let transactionLimit = 256

    private let store: SQLiteOffsetStore
    private let handler: @Sendable (ConsumeContext, Database) throws -> Void
    private let state = Mutex(State())
    /// Where writing, which blocks, is done.
    private let queue = DispatchQueue(label: "xkafka.sqlite")

    init(_ store: SQLiteOffsetStore, _ handler: @escaping @Sendable (ConsumeContext, Database) throws -> Void) {
        self.store = store
        self.handler = handler
    }

    /// Returns when the message's transaction is durable.
    func handle(_ message: ConsumeContext) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let starts = state.withLock { state in
                state.waiting.append(Job(message: message, continuation: continuation))
                defer { state.isWriting = true }
                return !state.isWriting
            }
            if starts { queue.async { self.writeAll() } }
        }
    }

    private func writeAll() {
        while let jobs = nextJobs() {
            var results: [Result<Void, any Error>] = []
            do {
                results = try store.database.write { db in try run(jobs, db) }
            } catch {
                // Nothing of it is durable: every message is tried again.
                results = jobs.map { _ in .failure(error) }
            }
            for (job, result) in zip(jobs, results) { job.continuation.resume(with: result) }
        }
    }

    /// The messages that are ready; `nil` when there are none, and writing ends.
    private func nextJobs() -> [Job]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            let jobs = Array(state.waiting.prefix(Self.transactionLimit))
            state.waiting.removeFirst(jobs.count)
            return jobs
        }
    }

    /// One transaction: the handlers, then the checkpoints of the partitions they were about.
    private func run(_ jobs: [Job], _ db: Database) throws -> [Result<Void, any Error>] {
        var results: [Result<Void, any Error>] = []
        var checkpoints: [TopicPartition: Checkpoint] = [:]
        for job in jobs {
            let message = job.message
            let checkpoint = try checkpoints[message.topicPartition] ?? checkpoint(before: message, db)
            checkpoints[message.topicPartition] = checkpoint
            // An earlier run of this consumer, whose handler was given up, may have been here after all.
            if checkpoint.contains(message.offset) {
                results.append(.success(()))
                continue
            }
            let result = Result {
                try db.inSavepoint {
                    try handler(message, db)
                    return .commit
                }
            }
            if case .success = result {
                checkpoints[message.topicPartition] = checkpoint.adding(message.offset)
            }
            results.append(result)
        }
        for (partition, checkpoint) in checkpoints { try store.write(checkpoint, of: partition, db) }
        let epochs = jobs.map { ($0.message.topicPartition, $0.message.assignmentEpoch) }
        db.afterNextTransaction { [self] _ in
            state.withLock { state in
                for (partition, epoch) in epochs { state.known[partition] = max(state.known[partition] ?? 0, epoch) }
            }
        }
        return results
    }

    /// What the database knows of a message's partition, or what there is to know at its start.
    private func checkpoint(before message: ConsumeContext, _ db: Database) throws -> Checkpoint {
        let partition = message.topicPartition
        // Messages with other keys may be on their way that come before this one.
        let start = message.firstOffsetOfAssignment ?? message.offset
        let known = state.withLock { $0.known[partition] }
        guard let stored = try store.row(of: partition, db) else { return Checkpoint(nextOffset: start) }
        if known == message.assignmentEpoch { return stored }
        // The log was reset: while consuming, which begins a new epoch, or before, when reading starts below the
        // checkpoint. Its offsets mean other messages now.
        let isNewLog = known != nil || start < store.loadedOffset(of: partition) ?? start
        return isNewLog ? Checkpoint(nextOffset: start) : stored
    }
}
