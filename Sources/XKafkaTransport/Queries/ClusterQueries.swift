import CKafka
package import XKafkaCore

/// Questions to a cluster, asked by blocking calls: run it on a thread that may wait.
///
/// `@unchecked Sendable`: the client is thread-safe, and destroyed when nobody refers to it any more.
package final class ClusterQueries: @unchecked Sendable {
    let client: ClientHandle
    let timeout: Int32

    /// Connects to ask about the offsets of `group`.
    package init(_ properties: ClientProperties, group: String, timeout: Duration) throws(KafkaError) {
        var properties = properties
        properties.set("group.id", group)
        client = try ClientHandle(.consumer, properties, events: 0)
        self.timeout = timeout.wholeMilliseconds
    }

    deinit {
        client.destroyUnused()
    }

    /// How many partitions a topic has.
    package func partitionCount(of topic: String) throws(KafkaError) -> Int32 {
        guard let handle = rd_kafka_topic_new(client.pointer, topic, nil) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "ask about topic \(topic)")
        }
        defer { rd_kafka_topic_destroy(handle) }
        var metadata: UnsafePointer<rd_kafka_metadata>?
        try KafkaError.check(
            rd_kafka_metadata(client.pointer, 0, handle, &metadata, timeout),
            "ask about topic \(topic)"
        )
        defer { rd_kafka_metadata_destroy(metadata) }
        guard let metadata, metadata.pointee.topic_cnt == 1 else {
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "ask about topic \(topic)")
        }
        try KafkaError.check(metadata.pointee.topics[0].err, "ask about topic \(topic)")
        return metadata.pointee.topics[0].partition_cnt
    }

    /// The offset of the next message that will be written to a partition.
    package func endOffset(of partition: TopicPartition) throws(KafkaError) -> Int64 {
        var low: Int64 = 0
        var high: Int64 = 0
        try KafkaError.check(
            rd_kafka_query_watermark_offsets(
                client.pointer,
                partition.topic,
                partition.partition,
                &low,
                &high,
                timeout
            ),
            "ask for the end of \(partition)"
        )
        return high
    }

    /// The offset of the first message whose timestamp is not before `time`, in milliseconds since 1970;
    /// `nil` when there is none.
    package func offset(of partition: TopicPartition, notBefore time: Int64) throws(KafkaError) -> Int64? {
        let operation = "ask for the offset in \(partition) at a time"
        // The time goes in where the offset comes out.
        let list = TopicPartitionList([TopicPartitionOffset(partition, offset: time)])
        try KafkaError.check(rd_kafka_offsets_for_times(client.pointer, list.pointer, timeout), operation)
        guard let element = UnsafePointer(list.pointer).elements.first else { return nil }
        try KafkaError.check(element.err, operation)
        return element.offset >= 0 ? element.offset : nil
    }

    /// What the group has committed; `nil` for a partition without a commit.
    package func committedOffsets(of partitions: [TopicPartition]) throws(KafkaError) -> [TopicPartition: Int64] {
        let list = TopicPartitionList(partitions)
        try KafkaError.check(rd_kafka_committed(client.pointer, list.pointer, timeout), "ask for committed offsets")
        var committed: [TopicPartition: Int64] = [:]
        for element in UnsafePointer(list.pointer).elements where element.offset >= 0 {
            committed[element.topicPartition] = element.offset
        }
        return committed
    }

    /// Commits for a group without members, and waits for the answer.
    package func commit(_ offset: OffsetAndMetadata) throws(KafkaError) {
        let list = TopicPartitionList([offset])
        try KafkaError.check(rd_kafka_commit(client.pointer, list.pointer, 0), "commit")
    }
}
