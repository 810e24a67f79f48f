import XKafkaCore

/// Runs one attempt at `message` and cancels it when it takes longer than `limit`. Returns when the attempt
/// has ended, not before: no other attempt may overlap it (R2).
///
/// An attempt that completes in spite of being cancelled has completed.
package func withAttemptTimeout(
    _ limit: Duration?,
    _ message: ConsumeContext,
    _ attempt: @escaping @Sendable () async throws -> Void
) async throws {
    guard let limit else { return try await attempt() }
    try await withThrowingTaskGroup(of: AttemptRace.self) { group in
        group.addTask {
            try await attempt()
            return .attemptEnded
        }
        group.addTask {
            do {
                try await Task.sleep(for: limit)
                return .timePassed
            } catch {
                return .timerCancelled
            }
        }
        let first = try await group.next()
        guard first != .attemptEnded else {
            group.cancelAll()
            return
        }
        if first == .timePassed { group.cancelAll() }
        do {
            _ = try await group.next()
        } catch let error where first == .timePassed {
            let position = TopicPartitionOffset(message.topicPartition, offset: message.offset)
            throw ConsumerError(.attemptTimedOut, position: position, cause: error)
        }
    }
}

/// Who came first.
private enum AttemptRace {
    case attemptEnded, timePassed
    /// The whole task was cancelled, and the attempt with it.
    case timerCancelled
}
