public import XKafkaCore

/// A message on its way through the handlers of a consumer.
///
/// The bytes of the message are not copied: ``key``, ``value`` and ``headers`` point into the
/// memory the message was fetched into. (Those of a large message, and of one that is tried again, have
/// memory of their own.) The context, or anything taken from it, may be kept after the handler
/// returned; what is kept for long should be a ``copied()`` one, because it otherwise keeps a whole
/// fetch in memory.
public struct ConsumeContext: Sendable {
    private let message: FetchedMessage

    /// What orders this message: messages of one partition with the same logical key are handled
    /// one after the other. It is the message's key, or `topic:partition` for a message that has
    /// none or an empty one, unless the consumer has a key extractor of its own.
    public var logicalKey: MessageBytes { ownLogicalKey ?? message.logicalKey }

    /// The user's own logical key, if there is one.
    private let ownLogicalKey: MessageBytes?

    /// The shard the logical key belongs to, from 0.
    public let shard: Int

    /// Which attempt at this message this is, counted from 1.
    public var attempt: Int

    /// When the consumer took the message over from librdkafka, before any waiting.
    public let receivedAt: ContinuousClock.Instant

    package init(
        _ message: FetchedMessage,
        logicalKey: MessageBytes? = nil,
        shard: Int,
        attempt: Int,
        receivedAt: ContinuousClock.Instant
    ) {
        self.message = message
        ownLogicalKey = logicalKey
        self.shard = shard
        self.attempt = attempt
        self.receivedAt = receivedAt
    }

    /// A context for testing a handler without a broker.
    public init(
        topic: String,
        partition: Int32 = 0,
        offset: Int64 = 0,
        key: MessageBytes? = nil,
        value: MessageBytes? = nil,
        headers: MessageHeaders = [:],
        timestamp: MessageTimestamp? = nil,
        attempt: Int = 1
    ) {
        let source = MessageSource(
            topicPartition: TopicPartition(topic: topic, partition: partition),
            epoch: 0
        )
        self.init(
            OwnedMessageStorage.message(
                source: source,
                offset: offset,
                timestamp: timestamp,
                key: key,
                value: value,
                headers: headers
            ),
            shard: 0,
            attempt: attempt,
            receivedAt: .now
        )
    }

    /// The topic the message was read from.
    public var topic: String { message.source.topicPartition.topic }

    /// The partition the message was read from.
    public var partition: Int32 { message.source.topicPartition.partition }

    /// The topic and the partition the message was read from.
    public var topicPartition: TopicPartition { message.source.topicPartition }

    /// The offset of the message in its partition.
    public var offset: Int64 { message.offset }

    /// The key; `nil` when the message has none, which is not the same as an empty one.
    public var key: MessageBytes? { message.key }

    /// The value; `nil` for a tombstone, which is not the same as an empty one.
    public var value: MessageBytes? { message.value }

    /// The headers, in the order and with the repetitions they have in Kafka. Read from the
    /// message at each call: keep the result when you need it twice.
    public var headers: MessageHeaders { message.headers }

    /// The time the message carries, and who set it; `nil` when it carries none.
    public var timestamp: MessageTimestamp? { message.timestamp }

    /// Counts the assignments of this consumer: messages of one partition that were read before
    /// and after a rebalance differ in it.
    public var assignmentEpoch: UInt64 { message.source.epoch }

    /// The offset of the first message that was delivered in this assignment: nothing before it is outstanding.
    package var firstOffsetOfAssignment: Int64? { message.source.firstOffset }

    /// The same message with another logical key.
    package func placed(logicalKey: MessageBytes, shard: Int) -> ConsumeContext {
        ConsumeContext(message, logicalKey: logicalKey, shard: shard, attempt: attempt, receivedAt: receivedAt)
    }

    /// Whether it is a ``copied()`` one.
    package var isCopied: Bool { message.isCopied }

    /// The same message in memory of its own, which does not keep the fetch it came from alive.
    public func copied() -> ConsumeContext {
        ConsumeContext(
            message.copied(),
            logicalKey: ownLogicalKey?.copied(),
            shard: shard,
            attempt: attempt,
            receivedAt: receivedAt
        )
    }
}

extension ConsumeContext: CustomStringConvertible {
    /// Where the message is from; nothing of what it says.
    public var description: String { "\(topic):\(partition)@\(offset)" }
}
