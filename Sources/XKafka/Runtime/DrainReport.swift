public import XKafkaCore

/// How a consumer ended: what became of every message it had taken.
public struct DrainReport: Sendable {
    /// How many messages were completed since `consume` was called.
    public internal(set) var completed = 0

    /// How many of them will be handled again: they stand behind a message of their partition that was
    /// not completed, and could not be remembered beside the committed offset. In a group that is 0
    /// unless the commit failed or there were more gaps than fit into its metadata.
    public internal(set) var toBeRepeated = 0

    /// How many messages had been fetched when the consumer stopped, or lost a partition, but were
    /// not started, or had failed and waited to be tried again. Whoever reads the partition next
    /// reads them again.
    public internal(set) var returned = 0

    /// The messages whose handlers were cancelled at the drain deadline, or because their partition
    /// was lost, and ended without completing.
    public internal(set) var cancelled: [TopicPartitionOffset] = []

    /// The messages whose handlers did not end in spite of being cancelled. They may still be
    /// running, while another consumer reads the message again.
    public internal(set) var abandoned: [TopicPartitionOffset] = []

    /// Why a last commit, at the end or before partitions were given back, failed; `nil` when all
    /// succeeded. What it would have covered is read again.
    public internal(set) var commitError: (any Error)?

    /// How long it took from the request to stop to the end.
    public internal(set) var duration: Duration = .zero
}
