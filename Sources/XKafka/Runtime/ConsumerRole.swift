import XKafkaCore

/// What a consumer reads, and where its progress goes.
enum ConsumerRole: Sendable {
    /// The topics' partitions that the group assigns; progress is committed to the group.
    case group(GroupConsumerConfig)
    /// One partition from a position, which is an offset or one of librdkafka's logical ones; progress
    /// is saved to a store.
    case partition(TopicPartitionOffset, store: any OffsetStore)

    /// The errors that end this consumer although librdkafka would go on trying.
    func isTerminal(_ error: KafkaError) -> Bool {
        switch (self, error.code) {
        case (_, .authentication), (_, .topicAuthorizationFailed), (.group, .groupAuthorizationFailed): true
        default: error.errorClass == .fatal
        }
    }

    /// The errors that do not concern this consumer.
    func isIrrelevant(_ error: KafkaError) -> Bool {
        // librdkafka looks for the coordinator of a group that a partition consumer never joins.
        if case .partition = self, error.code == .groupAuthorizationFailed { return true }
        return false
    }
}
