package import CKafka
package import XKafkaCore

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
}
