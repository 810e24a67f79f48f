public import Logging
public import XKafkaConsume
public import XKafkaCore
import XKafkaWorkers

/// How a consumer works: its workers, its memory, its retries. The same for groups and partitions.
public struct ProcessingConfig: Sendable {
    /// The default of ``shardCount``, 32.
    public static let defaultShardCount = 32
    /// The default of ``shardQueueSize``, 1,024 messages.
    public static let defaultShardQueueSize = 1_024
    /// The default of ``maxConcurrentHandlers``, 32.
    public static let defaultMaxConcurrentHandlers = 32
    /// The default of ``byteBudget``, 64 MiB.
    public static let defaultByteBudget = 64 * 1_024 * 1_024
    /// The default of ``maxTrackedOffsets``, 1,048,576.
    public static let defaultMaxTrackedOffsets: Int64 = 1_048_576
    /// The default of ``drainDeadline``, 30 s.
    public static let defaultDrainDeadline = Duration.seconds(30)
    /// The default of ``commitInterval``, 1 s.
    public static let defaultCommitInterval = Duration.seconds(1)
    /// The default of ``commitCount``, 10,000 messages.
    public static let defaultCommitCount = 10_000

    /// How many shards the keys are spread over, by FNV-1a of the key. Default 32. It decides which
    /// locks are shared, not how much runs at once.
    public var shardCount: Int

    /// How many messages wait in memory, per shard on average: the consumer takes no more than
    /// `shardCount * shardQueueSize` messages from librdkafka before earlier ones are done.
    /// Default 1,024.
    public var shardQueueSize: Int

    /// How many handlers run at the same time. Default 32.
    public var maxConcurrentHandlers: Int

    /// How many bytes of keys and values the messages in hand may have together. Default 64 MiB.
    /// One message that is larger than that is still read.
    ///
    /// What librdkafka holds ready comes beside it, and up to a quarter of the budget is kept free for that. Up to 64
    /// partitions may hold as much as the budget ready together, at most 16 MiB each; with more partitions the shares
    /// shrink, to 64 KiB at the least (`queued.max.messages.kbytes`), and one fetch may come on top of each. librdkafka
    /// before 2.2 may let a broker rest for up to a second when it has fetched that much of all its partitions: where
    /// many partitions carry far more than that in a second, a larger value under that name in `librdkafkaProperties`
    /// is faster.
    public var byteBudget: Int

    /// How far beyond the oldest unfinished message a partition is read. Default 1,048,576 offsets. It
    /// bounds the memory for what is completed behind a message that never ends, 8 bytes each.
    public var maxTrackedOffsets: Int64

    /// How long handlers may go on when their partition is taken away or the consumer stops.
    /// Afterwards they are cancelled, and a second later given up. Default 30 s. In a group it is
    /// shorter than `maxPollInterval`.
    public var drainDeadline: Duration

    /// How often progress is committed, or saved to the offset store. Default 1 s.
    public var commitInterval: Duration

    /// After how many completed messages progress is committed, or saved, without waiting for
    /// ``commitInterval``. Default 10,000. One commit at a time is under way, and those that come by count leave a
    /// tenth of a second (or of the interval, if that is shorter) between them: a commit looks at everything that is
    /// done out of order, which must not become what a fast consumer does most.
    public var commitCount: Int

    /// What orders messages: those of one partition with equal logical keys are handled one after the
    /// other. Default `nil`: the message's key.
    public var keyExtractor: KeyExtractor?

    /// How messages without a logical key are ordered. Default ``KeylessOrder/partition``.
    public var keylessOrder: KeylessOrder

    /// How failed messages are tried again. By default for ever.
    public var retry: RetryConfig

    /// How long one attempt may take before it is cancelled and counts as failed, with
    /// ``/XKafkaConsume/ConsumerError/Code/attemptTimedOut``. The next one starts only after it ended. Default `nil`: no
    /// limit.
    public var attemptTimeout: Duration?

    /// Errors for which trying again is of no use, beside those that conform to `PermanentError`: a
    /// message that fails with one counts as having been tried often enough. Default: none.
    public var isPermanent: (@Sendable (any Error) -> Bool)?

    /// What happens to a message that was tried often enough. Default ``/XKafkaConsume/ExhaustedPolicy/block``.
    public var exhaustedPolicy: ExhaustedPolicy

    /// Where such messages go under ``/XKafkaConsume/ExhaustedPolicy/dlqCommit``, which requires it. Default `nil`.
    public var deadLetters: DeadLetterConfig?

    /// Told about each step of a message's failing. Default: nobody.
    public var failureHook: ConsumeFailureHook?

    /// Whether each message leaves a log line when it is done with, dead-lettered ones included. Default `true`.
    /// Lines about retries, and about dead letters that could not be published, are written in either case.
    public var logsMessages: Bool

    /// The level of the line for a message that was handled. Default `debug`. Whether the logger wants such lines is looked
    /// up when messages are fetched, and at least once a second.
    public var successLogLevel: Logger.Level

    /// From when on a trouble counts in the consumer's `health`. Default: after 30 s for degraded, 2 min for stalled.
    public var health: HealthConfig

    /// How long a handler may take, on average, for messages to be worked through in runs. For tests, whose handlers are not
    /// as quick as they would be in a release build.
    package var quickLimit = WorkPace.quickLimit
    /// Whether handlers are taken to be quick until one is seen that is not: that costs 10 ms once, and the other way a
    /// full set of messages in hand is queued by key at first.
    package var isTakenToBeQuick = true

    /// The defaults, unless told otherwise.
    public init(
        shardCount: Int = ProcessingConfig.defaultShardCount,
        shardQueueSize: Int = ProcessingConfig.defaultShardQueueSize,
        maxConcurrentHandlers: Int = ProcessingConfig.defaultMaxConcurrentHandlers,
        byteBudget: Int = ProcessingConfig.defaultByteBudget,
        maxTrackedOffsets: Int64 = ProcessingConfig.defaultMaxTrackedOffsets,
        drainDeadline: Duration = ProcessingConfig.defaultDrainDeadline,
        commitInterval: Duration = ProcessingConfig.defaultCommitInterval,
        commitCount: Int = ProcessingConfig.defaultCommitCount,
        retry: RetryConfig = RetryConfig(),
        exhaustedPolicy: ExhaustedPolicy = .block,
        deadLetters: DeadLetterConfig? = nil
    ) {
        self.shardCount = shardCount
        self.shardQueueSize = shardQueueSize
        self.maxConcurrentHandlers = maxConcurrentHandlers
        self.byteBudget = byteBudget
        self.maxTrackedOffsets = maxTrackedOffsets
        self.drainDeadline = drainDeadline
        self.commitInterval = commitInterval
        self.commitCount = commitCount
        self.retry = retry
        self.exhaustedPolicy = exhaustedPolicy
        self.deadLetters = deadLetters
        keyExtractor = nil
        keylessOrder = .partition
        attemptTimeout = nil
        isPermanent = nil
        failureHook = nil
        logsMessages = true
        successLogLevel = .debug
        health = HealthConfig()
    }
}

extension ProcessingConfig {
    func check(_ checks: inout ConfigurationChecks) {
        // Shards and workers are made at once, hence the bounds.
        checks.require(
            (1...65_536).contains(shardCount),
            "processing.shardCount",
            got: shardCount,
            "must be greater than 0 and at most 65,536"
        )
        checks.requirePositive(shardQueueSize, "processing.shardQueueSize")
        checks.require(
            (1...100_000).contains(maxConcurrentHandlers),
            "processing.maxConcurrentHandlers",
            got: maxConcurrentHandlers,
            "must be greater than 0 and at most 100,000"
        )
        checks.requirePositive(byteBudget, "processing.byteBudget")
        checks.require(
            maxTrackedOffsets > 0,
            "processing.maxTrackedOffsets",
            got: maxTrackedOffsets,
            "must be greater than 0"
        )
        checks.require(
            drainDeadline >= .zero && drainDeadline <= .seconds(86_400),
            "processing.drainDeadline",
            got: drainDeadline,
            "must be at least 0 and at most a day"
        )
        checks.requireMilliseconds(
            commitInterval,
            "processing.commitInterval",
            in: .milliseconds(1)...Duration.seconds(86_400)
        )
        checks.requirePositive(commitCount, "processing.commitCount")
        if let attemptTimeout { checks.requirePositive(attemptTimeout, "processing.attemptTimeout") }
        retry.check(&checks, field: "processing.retry")
        checks.require(
            exhaustedPolicy == .block || retry.maxRetries != RetryConfig.infiniteRetries,
            "processing.exhaustedPolicy",
            got: exhaustedPolicy,
            "can never apply with infinite retries: set processing.retry.maxRetries"
        )
        checks.require(
            exhaustedPolicy != .dlqCommit || deadLetters != nil,
            "processing.deadLetters",
            got: "nil",
            "is required when processing.exhaustedPolicy is dlqCommit"
        )
        checks.require(
            exhaustedPolicy == .dlqCommit || deadLetters == nil,
            "processing.deadLetters",
            got: deadLetters.map { "\($0.topic)" } ?? "nil",
            "is never used unless processing.exhaustedPolicy is dlqCommit"
        )
        deadLetters?.check(&checks)
        health.check(&checks, field: "processing.health")
    }

    /// How many messages are in hand at most.
    var messageLimit: Int {
        let (limit, overflow) = shardCount.multipliedReportingOverflow(by: shardQueueSize)
        return overflow ? .max : limit
    }
}
