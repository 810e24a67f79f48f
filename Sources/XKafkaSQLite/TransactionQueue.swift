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
        var hasEnded = false
    }

    /// How many messages share a transaction at most: others want to write to the database too.
    private static let transactionLimit = 256

    private let checkpoints: TransactionalCheckpoints
    private let handler: @Sendable (ConsumeContext, Database) throws -> Void
    private let state = Mutex(State())
    /// Where writing, which blocks, is done.
    private let queue = DispatchQueue(label: "xkafka.sqlite")

    init(
        _ checkpoints: TransactionalCheckpoints,
        _ handler: @escaping @Sendable (ConsumeContext, Database) throws -> Void
    ) {
        self.checkpoints = checkpoints
        self.handler = handler
    }

    /// Returns when the message's transaction is durable.
    ///
    /// - Throws: what the handler throws, or the database; `CancellationError` when the message is not this
    ///   consumer's any more, and the handler was not called.
    func handle(_ message: ConsumeContext) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let (isRefused, starts) = state.withLock { state in
                if state.hasEnded { return (true, false) }
                state.waiting.append(Job(message: message, continuation: continuation))
                defer { state.isWriting = true }
                return (false, !state.isWriting)
            }
            if isRefused { continuation.resume(throwing: CancellationError()) }
            if starts { queue.async { self.writeAll() } }
        }
    }

    /// Refuses what still comes: from handlers that were given up, and whose messages are left to the next run.
    func end() {
        let refused = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for job in refused { job.continuation.resume(throwing: CancellationError()) }
    }

    private func writeAll() {
        while let jobs = nextJobs() {
            var results: [Result<Void, any Error>] = []
            do {
                results = try checkpoints.database.write { db in try run(jobs, db) }
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
        var progress: [TopicPartition: TransactionalCheckpoints.Progress] = [:]
        for job in jobs {
            let message = job.message
            let before = try checkpoints.progress(before: message, progress[message.topicPartition], db)
            guard var known = before else {
                // Its log was reset while the handlers before this one had it (R8).
                results.append(.failure(CancellationError()))
                continue
            }
            // An earlier run of this consumer, whose handler was given up, may have been here after all.
            if known.contains(message.offset) {
                results.append(.success(()))
            } else {
                let result = Result {
                    try db.inSavepoint {
                        try handler(message, db)
                        return .commit
                    }
                }
                if case .success = result { known.add(message.offset) }
                results.append(result)
            }
            progress[message.topicPartition] = known
        }
        try checkpoints.write(progress, db)
        return results
    }
}
