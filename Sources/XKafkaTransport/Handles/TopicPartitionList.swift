package import CKafka
package import XKafkaCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is committed for one partition.
package struct OffsetAndMetadata: Sendable {
    package let position: TopicPartitionOffset
    /// A text that Kafka keeps beside the offset, of 4,096 characters at most unless brokers are
    /// configured otherwise.
    package let metadata: String

    package init(_ position: TopicPartitionOffset, metadata: String) {
        self.position = position
        self.metadata = metadata
    }
}

/// Owns one librdkafka list of partitions.
package struct TopicPartitionList: ~Copyable {
    package let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    package init(capacity: Int = 0) {
        // librdkafka ends the process itself when it is out of memory.
        pointer = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    package init(_ partitions: some Collection<TopicPartition>) {
        self.init(capacity: partitions.count)
        for partition in partitions {
            rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition)
        }
    }

    package init(_ offsets: some Collection<TopicPartitionOffset>) {
        self.init(capacity: offsets.count)
        for offset in offsets {
            let element = rd_kafka_topic_partition_list_add(
                pointer,
                offset.topicPartition.topic,
                offset.topicPartition.partition
            )
            element?.pointee.offset = offset.offset
        }
    }

    package init(_ offsets: some Collection<OffsetAndMetadata>) {
        self.init(offsets.map(\.position))
        for (index, offset) in offsets.enumerated() where !offset.metadata.isEmpty {
            // librdkafka frees it with the list, by `free`.
            pointer.pointee.elems[index].metadata = UnsafeMutableRawPointer(strdup(offset.metadata))
            pointer.pointee.elems[index].metadata_size = offset.metadata.utf8.count
        }
    }

    deinit {
        rd_kafka_topic_partition_list_destroy(pointer)
    }
}

extension UnsafePointer<rd_kafka_topic_partition_list_t> {
    package var partitions: [TopicPartition] { elements.map(\.topicPartition) }

    package var elements: UnsafeBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeBufferPointer(start: pointee.elems, count: Int(pointee.cnt))
    }
}

extension rd_kafka_topic_partition_t {
    package var topicPartition: TopicPartition {
        TopicPartition(topic: String(cString: topic), partition: partition)
    }

    /// The metadata, read as UTF-8; empty when there is none.
    package var metadataText: String {
        guard let metadata else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: metadata, count: metadata_size), as: UTF8.self)
    }
}
