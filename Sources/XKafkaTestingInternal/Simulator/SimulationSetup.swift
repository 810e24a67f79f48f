import XKafkaCore
import XKafkaEngine

/// What stays the same during one simulated schedule; follows from the seed.
package struct SimulationSetup: Sendable {
    /// What is done with a message whose attempts are used up.
    enum Policy: Sendable, CaseIterable {
        case block, deadLetter, stop
    }

    let memberCount: Int
    let partitionCount: Int
    let keyCount: Int
    let isCooperative: Bool
    let notifiesRevoked: Bool
    let shardCount: Int
    let workerCount: Int
    let retry: RetryConfig
    let policy: Policy
    /// How many messages a member may have in hand, and how far beyond the frontier it may read.
    let messageLimit: Int
    let spanLimit: Int64
    /// How much commit metadata a member writes, and how much the broker takes.
    let metadataLimit: Int
    let brokerMetadataLimit: Int
    /// How many of ten records nobody delivers: transaction markers, aborted and compacted ones.
    let gapTenths: Int
    /// A key of a partition whose handlers rarely end, and ignore that they are cancelled, if there is one.
    let stuckLine: Int?
    /// How many events there are before the end.
    let eventCount: Int
    let topicPartitions: [TopicPartition]

    static let limits = RebalanceMachine.Limits(
        drain: .seconds(30),
        cancellationGrace: .seconds(1),
        commit: .seconds(5)
    )
    static let commitInterval = Duration.seconds(1)
    static let finalCommitRetry = Duration.milliseconds(100)
    /// How long the committed offsets are asked for before reading starts without them.
    static let offsetsLimit = Duration.seconds(15)
    /// By when every round of giving partitions back is over: an earlier one may take its commit's time
    /// and its callback's before.
    static let roundLimit = Duration.seconds(30 + 1 + 2 * (5 + 1))

    init(using random: inout SeededGenerator) {
        func pick<T>(_ values: [T], _ random: inout SeededGenerator) -> T {
            values[Int.random(in: 0..<values.count, using: &random)]
        }
        memberCount = pick([2, 2, 3], &random)
        partitionCount = pick([3, 3, 4], &random)
        keyCount = pick([1, 2, 3, 5], &random)
        isCooperative = Bool.random(using: &random)
        notifiesRevoked = Bool.random(using: &random)
        shardCount = pick([1, 2, 3], &random)
        workerCount = pick([2, 3, 4, 6], &random)
        policy = pick([.block, .block, .deadLetter, .deadLetter, .deadLetter, .stop], &random)
        let maxRetries = policy == .block ? pick([-1, 0, 2], &random) : pick([0, 1, 3], &random)
        retry = RetryConfig(
            maxRetries: maxRetries,
            initialBackoff: .milliseconds(100),
            maxBackoff: .seconds(2),
            jitter: Bool.random(using: &random)
        )
        messageLimit = pick([6, 12, 24, 48], &random)
        spanLimit = pick([12, 40, 1_000, 1_000], &random)
        metadataLimit = pick([0, 7, 12, 4_096, 4_096, 4_096], &random)
        brokerMetadataLimit = pick([6, 4_096, 4_096, 4_096], &random)
        gapTenths = pick([0, 1, 3, 6], &random)
        let line = Int.random(in: 0..<partitionCount * keyCount, using: &random)
        stuckLine = pick([nil, line, line], &random)
        eventCount = Int.random(in: 205...260, using: &random)
        topicPartitions = (0..<partitionCount).map { TopicPartition(topic: "t", partition: Int32($0)) }
    }
}
