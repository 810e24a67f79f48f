public import XKafkaCore

/// What became of every message that was taken: from all partitions, when a consumer ended, or from those
/// that were taken away from it.
public struct DrainReport: Sendable {
    /// How many messages were completed since `consume` was called, or since the partitions were assigned.
    public internal(set) var completed = 0

    /// How many messages failed too often and were published as dead letters. They count as done.
    public internal(set) var deadLettered = 0

    /// How many of them will be handled again: they stand behind a message of their partition that was
    /// not completed, and could not be remembered beside the committed offset. In a group that is 0
    /// unless the commit failed or there were more gaps than fit into its metadata.
    public internal(set) var toBeRepeated = 0

    /// How many messages had been fetched when the consumer stopped, or lost a partition, but were
    /// not started, or had failed and waited to be tried again. Whoever reads the partition next
    /// reads them again.
    public internal(set) var returned = 0

    /// The messages whose handlers were cancelled at the drain deadline, and ended without completing.
    public internal(set) var cancelled: [TopicPartitionOffset] = []

    /// The messages whose handlers had not ended when their partition was given back: in spite of being
    /// cancelled, or because the partition was lost, when nobody waits. They may still be running, while
    /// another consumer reads the message again.
    public internal(set) var abandoned: [TopicPartitionOffset] = []

    /// Why a last commit, at the end or before partitions were given back, failed; `nil` when all
    /// succeeded. What it would have covered is read again.
    public internal(set) var commitError: (any Error)?

    /// How long it took: from the request to stop, or from the group's wish to have partitions back, to
    /// the end of the last commit.
    public internal(set) var duration: Duration = .zero
}

extension DrainReport {
    /// Takes in what became of the messages of partitions that were given back earlier.
    mutating func add(_ other: DrainReport) {
        completed += other.completed
        deadLettered += other.deadLettered
        toBeRepeated += other.toBeRepeated
        returned += other.returned
        cancelled += other.cancelled
        abandoned += other.abandoned
        commitError = other.commitError ?? commitError
    }
}

extension DrainReport: CustomStringConvertible {
    /// The counts, and what went wrong.
    public var description: String {
        let counts = [
            ("completed", completed), ("dead-lettered", deadLettered), ("to be repeated", toBeRepeated),
            ("returned", returned), ("cancelled", cancelled.count), ("abandoned", abandoned.count),
        ]
        let parts = counts.filter { $0.1 > 0 || $0.0 == "completed" }.map { "\($0.1) \($0.0)" }
        let failure = commitError.map { ", last commit failed: \($0)" } ?? ""
        return "\(parts.joined(separator: ", ")) in \(duration)\(failure)"
    }
}
