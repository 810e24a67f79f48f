public import XKafkaCore

/// What a consumer had in hand at a moment: ``GroupConsumer/snapshot()`` and ``PartitionConsumer/snapshot()`` take one.
///
/// Partitions and shards are looked at one after the other while work goes on, so that sums need not agree to the
/// message. Nothing in here, nor in its descriptions, is a key or a value of a message.
public struct ConsumerSnapshot: Sendable {
    /// What a consumer is doing.
    public struct State: Sendable, Hashable, CustomStringConvertible {
        /// The name of the state.
        public let description: String

        /// `consume` is not running.
        public static let idle = State(description: "idle")
        /// `consume` was called, and finds out where to start.
        public static let starting = State(description: "starting")
        /// Messages are handled, or would be if there were some.
        public static let consuming = State(description: "consuming")
        /// `consume` is about to return: what is in hand is drained and committed.
        public static let stopping = State(description: "stopping")
    }

    /// What the consumer is doing. In a state other than ``State/consuming`` and ``State/stopping``, everything else is
    /// empty.
    public let state: State

    /// Whether intake is paused by the user.
    public let isPaused: Bool

    /// Whether the assignment is settled: the group has answered, no partition is being given back, no callback is
    /// waited for.
    public let isSettled: Bool

    /// The assigned partitions, in order.
    public let partitions: [Partition]

    /// The shards that keys are spread over, in the order of their numbers.
    public let shards: [Shard]

    /// How many messages were taken from librdkafka and are not done.
    public let messagesInHand: Int

    /// How many there may be: `shardCount * shardQueueSize`.
    public let messageLimit: Int

    /// The bytes of their keys and values.
    public let bytesInHand: Int

    /// How many there may be: ``ProcessingConfig/byteBudget`` less what is left to librdkafka.
    public let byteLimit: Int

    /// How many handlers run.
    public let runningHandlers: Int

    /// How many may: ``ProcessingConfig/maxConcurrentHandlers``.
    public let handlerLimit: Int

    /// How many messages failed and wait: to be tried again, or for their dead letter.
    public let parked: Int

    /// How many messages wait for a handler, or for their turn behind another of their key.
    public var queued: Int { max(0, messagesInHand - runningHandlers - parked) }

    /// One assigned partition.
    public struct Partition: Sendable {
        /// Which.
        public let topicPartition: TopicPartition

        /// Which assignment of it: see `ConsumeContext.assignmentEpoch`.
        public let epoch: UInt64

        /// Whether messages are taken from it. They are not while `onAssigned` runs, once it is being given back, and
        /// at the end of what is to be read.
        public let isRead: Bool

        /// The next offset to commit: everything before it is done. `nil` until that is known.
        public let frontier: Int64?

        /// How long the frontier has stood where it is while messages were in hand, with a precision of one second; zero
        /// when none are.
        public let frontierAge: Duration

        /// What is known to be committed, or saved to the offset store. `nil` until something is.
        public let committed: Int64?

        /// The highest offset that was taken from librdkafka. `nil` before the first.
        public let highestDelivered: Int64?

        /// Where the partition ended when the broker last told (its high watermark). `nil` before that.
        public let endOffset: Int64?

        /// How many messages were taken and are not done.
        public let messagesInHand: Int

        /// How many of them are with a handler.
        public let running: Int

        /// How many of them failed and wait: to be tried again, or for their dead letter.
        public let parked: Int

        /// The bytes of the keys and values of the messages in hand.
        public let bytesInHand: Int

        /// How many messages beyond the frontier are done: they wait for the one that holds it.
        public let completedBeyondFrontier: Int

        /// How many messages wait for a handler or are with one.
        public var inFlight: Int { max(0, messagesInHand - parked) }

        /// How many offsets lie between the frontier and the end of the partition, those of transactions that are
        /// still open included. `nil` while one of the two is not known.
        public var lag: Int64? {
            guard let frontier, let endOffset else { return nil }
            return max(0, endOffset - frontier)
        }
    }

    /// One shard of the workers' queues.
    public struct Shard: Sendable {
        /// How many messages it holds, those with a handler or parked included.
        public let messages: Int
        /// How many of its keys have a message that a free handler would take.
        public let readyKeys: Int
        /// How many of its messages are with a handler.
        public let running: Int
        /// How many of its messages failed and wait.
        public let parked: Int
    }
}

extension ConsumerSnapshot {
    /// Of a consumer that has nothing.
    init(state: State, isPaused: Bool) {
        self.init(
            state: state,
            isPaused: isPaused,
            isSettled: false,
            partitions: [],
            shards: [],
            messagesInHand: 0,
            messageLimit: 0,
            bytesInHand: 0,
            byteLimit: 0,
            runningHandlers: 0,
            handlerLimit: 0,
            parked: 0
        )
    }
}

extension ConsumerSnapshot: CustomStringConvertible {
    /// The sums, and a line for each partition.
    public var description: String {
        guard state == .consuming || state == .stopping else { return "\(state)" }
        let words = ["\(state)", isPaused ? "paused" : nil, isSettled ? nil : "assignment not settled"].compactMap(
            \.self
        )
        let sums = """
            \(words.joined(separator: ", ")): \(messagesInHand) of \(messageLimit) messages and \
            \(bytesInHand) of \(byteLimit) bytes in hand, \(runningHandlers) of \(handlerLimit) handlers busy, \
            \(queued) queued, \(parked) parked
            """
        return ([sums] + partitions.map(\.description)).joined(separator: "\n")
    }
}

extension ConsumerSnapshot.Partition: CustomStringConvertible {
    /// `topic:partition` and the numbers.
    public var description: String {
        func text(_ offset: Int64?) -> String { offset.map(String.init) ?? "unknown" }
        return """
            \(topicPartition): frontier \(text(frontier)), committed \(text(committed)), \
            highest delivered \(text(highestDelivered)), lag \(text(lag)), \(inFlight) in flight, \(parked) parked, \
            \(completedBeyondFrontier) done beyond the frontier
            """
    }
}
