import XKafkaCore
import XKafkaEngine
import XKafkaOffsets

/// What is committed when. One commit at a time: librdkafka may repeat a commit that got no answer,
/// and a later one must not be overtaken by that (R11).
struct CommitSchedule {
    struct InFlight {
        let number: Int
        let parts: [Part]
        /// Whether it is the last one of partitions that are being given back.
        let isFinal: Bool
        let startTime: ContinuousClock.Instant
    }

    /// What a commit says of one partition.
    struct Part {
        let entry: PartitionEntry
        /// What the entry stood for when the commit was sent: an answer for an older assignment, or for
        /// a log that was reset since, is ignored (R8).
        let assigned: AssignedPartition
        let version: Int
        /// What is told of the completions: as much as fits into the metadata.
        let map: CompletionMap
        let metadata: String
        /// How many completions are not told of, for lack of room or of a store that keeps them.
        let untold: Int64

        var position: TopicPartitionOffset { TopicPartitionOffset(entry.topicPartition, offset: map.frontier) }
    }

    /// The last commit of partitions that are being given back.
    struct Final {
        let partitions: [TopicPartition]
        let token: RebalanceMachine.Token
    }

    var inFlight: InFlight?
    var final: Final?
    var lastNumber = 0
    var nextRegular = ContinuousClock.now
    /// When the next commit may be due to the number of messages.
    var nextByCount = ContinuousClock.now
    /// When a final commit that failed is sent again.
    var retryTime: ContinuousClock.Instant?
    var lastError: (any Error)?
    /// Since when nothing could be committed, or saved to the store.
    var failingSince: ContinuousClock.Instant?
    /// How often saving to the store was tried since then.
    var failures = 0
    /// Why the final commit that was due last failed.
    var finalError: (any Error)?
    /// Whether a commit would be refused now, and lose the assignment with that; see ``JoinNews``. Only ever true with
    /// a librdkafka that tells.
    var isHeldByJoining = false
    /// How many completions the last commit did not tell of.
    var untold: Int64 = 0
    /// Set when the brokers take less metadata than the configuration says.
    var sendsNoMetadata = false

    /// When there is something to do. A regular commit needs no wake-up of its own: the thread wakes
    /// more often than any sensible interval.
    var nextTime: ContinuousClock.Instant? {
        guard inFlight == nil, final != nil, !isHeldByJoining else { return nil }
        return retryTime ?? .now
    }
}
