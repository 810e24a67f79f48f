/// One partition of one topic.
public struct TopicPartition: Sendable, Hashable, CustomStringConvertible {
    /// The name of the topic.
    public let topic: String

    /// The number of the partition, from 0.
    public let partition: Int32

    /// Partition `partition` of `topic`.
    public init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// `topic:partition`
    public var description: String { "\(topic):\(partition)" }
}

extension TopicPartition: Comparable {
    /// By topic, then by partition.
    public static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

/// A position in one partition of one topic.
public struct TopicPartitionOffset: Sendable, Hashable, CustomStringConvertible {
    /// The topic and the partition.
    public let topicPartition: TopicPartition

    /// The offset in that partition.
    public let offset: Int64

    /// Offset `offset` of `topicPartition`.
    public init(_ topicPartition: TopicPartition, offset: Int64) {
        self.topicPartition = topicPartition
        self.offset = offset
    }

    /// `topic:partition@offset`
    public var description: String { "\(topicPartition)@\(offset)" }
}
