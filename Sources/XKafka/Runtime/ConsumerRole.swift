import XKafkaConsume
import XKafkaCore

/// What a consumer reads, and where its progress goes.
enum ConsumerRole: Sendable {
    /// The topics' partitions that the group assigns; progress is committed to the group.
    case group(GroupConsumerConfig)
    /// Partitions that the user names; progress is saved to a store.
    case partitions(PartitionReading)

    /// What is read, if no group assigns it.
    var reading: PartitionReading? {
        if case .partitions(let reading) = self { reading } else { nil }
    }

    /// Whether the user wants to be told before partitions are given back.
    var notifiesRevoked: Bool {
        if case .group(let config) = self { config.onRevoked != nil } else { false }
    }

    /// What `consume` throws because of an error; `nil` for errors that librdkafka, or this library, gets
    /// over.
    func failure(for error: KafkaError) -> (any Error)? {
        switch (self, error.code) {
        case (_, .authentication), (_, .topicAuthorizationFailed), (.group, .groupAuthorizationFailed): error
        case (.group(let config), .unknownTopicOrPartition), (.group(let config), .unknownTopic):
            config.unknownTopics == .fail ? ConsumerError(.unknownTopic, cause: error) : nil
        case (.partitions, .offsetOutOfRangeWithoutReset): ConsumerError(.offsetOutOfRange, cause: error)
        default: error.errorClass == .fatal ? error : nil
        }
    }

    /// The errors that do not concern this consumer.
    func isIrrelevant(_ error: KafkaError) -> Bool {
        // librdkafka looks for the coordinator of a group that a partition consumer never joins.
        if case .partitions = self, error.code == .groupAuthorizationFailed { return true }
        return false
    }
}
