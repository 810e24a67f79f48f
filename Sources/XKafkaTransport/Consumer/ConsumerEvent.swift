import CKafka
package import XKafkaCore

/// Something librdkafka tells a consumer that is not a message.
package enum ConsumerEvent: Sendable {
    /// The group gave us these partitions; answer with `assign`.
    case assigned([TopicPartition])
    /// The group takes these partitions away; answer with `unassign`. When `lost`, they may belong
    /// to another member already.
    case revoked([TopicPartition], lost: Bool)
    /// A commit was answered.
    case committed(CommitOutcome)
    /// The answer to `requestCommitted`.
    case committedOffsets(CommittedOffsets)
    /// Something went wrong.
    case error(KafkaError)
    case log(LogLine)
    /// librdkafka's statistics, as JSON.
    case statistics([UInt8])

    /// What a group has committed.
    package struct CommittedOffsets: Sendable {
        /// The number the request was sent with.
        package let number: Int
        /// The offsets; partitions without a commit are missing.
        package let offsets: Result<[TopicPartition: OffsetAndMetadata], KafkaError>
    }

    /// The broker's answer to one commit.
    package struct CommitOutcome: Sendable {
        /// The number the commit was sent with.
        package let number: Int
        /// What each partition's commit came to; `nil` is success.
        package let partitions: [(offset: TopicPartitionOffset, error: KafkaError?)]
        /// The error of the request as a whole.
        package let error: KafkaError?
    }
}

extension ConsumerEvent {
    /// The kinds of events that are delivered to consumers.
    static var kinds: Int32 {
        RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG
            | RD_KAFKA_EVENT_STATS
    }

    /// Reads an event; `nil` for a kind that says nothing to us.
    init?(_ event: OpaquePointer, of client: ClientHandle) {
        let code = rd_kafka_event_error(event)
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_REBALANCE:
            let partitions = rd_kafka_event_topic_partition_list(event).map { UnsafePointer($0).partitions } ?? []
            self =
                code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
                ? .assigned(partitions)
                : .revoked(partitions, lost: rd_kafka_assignment_lost(client.pointer) != 0)
        case RD_KAFKA_EVENT_OFFSET_COMMIT:
            self = .committed(CommitOutcome(event, code))
        case RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT:
            self = .committedOffsets(CommittedOffsets(event, code))
        case RD_KAFKA_EVENT_ERROR:
            self = .error(Self.error(event, code, client))
        case RD_KAFKA_EVENT_LOG:
            guard let line = LogLine(event) else { return nil }
            self = .log(line)
        case RD_KAFKA_EVENT_STATS:
            guard let json = Statistics.json(of: event) else { return nil }
            self = .statistics(json)
        default:
            return nil
        }
    }

    private static func error(_ event: OpaquePointer, _ code: rd_kafka_resp_err_t, _ client: ClientHandle) -> KafkaError
    {
        // The event of a fatal error carries only `_FATAL`; the client knows the cause.
        if rd_kafka_event_error_is_fatal(event) != 0 || code == RD_KAFKA_RESP_ERR__FATAL, let fatal = client.fatalError
        {
            return fatal
        }
        let text = rd_kafka_event_error_string(event).map(String.init(cString:))
        return KafkaError(code, "consume", text: text)
    }
}

extension ConsumerEvent.CommittedOffsets {
    private static let operation = "read committed offsets"

    fileprivate init(_ event: OpaquePointer, _ code: rd_kafka_resp_err_t) {
        number = Int(bitPattern: rd_kafka_event_opaque(event))
        offsets = Result { () throws(KafkaError) in
            try KafkaError.check(code, Self.operation)
            var count = 0
            let answer = rd_kafka_event_ListConsumerGroupOffsets_result(event)
            let groups = rd_kafka_ListConsumerGroupOffsets_result_groups(answer, &count)
            guard count == 1, let group = groups?[0] else {
                throw KafkaError(RD_KAFKA_RESP_ERR__BAD_MSG, Self.operation)
            }
            if let error = rd_kafka_group_result_error(group) {
                throw KafkaError(rd_kafka_error_code(error), Self.operation)
            }
            var offsets: [TopicPartition: OffsetAndMetadata] = [:]
            guard let list = rd_kafka_group_result_partitions(group) else { return offsets }
            for element in UnsafePointer(list).elements {
                try KafkaError.check(element.err, Self.operation)
                guard element.offset >= 0 else { continue }
                offsets[element.topicPartition] = OffsetAndMetadata(
                    TopicPartitionOffset(element.topicPartition, offset: element.offset),
                    metadata: element.metadataText
                )
            }
            return offsets
        }
    }
}

extension ConsumerEvent.CommitOutcome {
    fileprivate init(_ event: OpaquePointer, _ code: rd_kafka_resp_err_t) {
        number = Int(bitPattern: rd_kafka_event_opaque(event))
        error = code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code, "commit")
        let list = rd_kafka_event_topic_partition_list(event).map { UnsafePointer($0).elements }
        partitions = (list ?? .init(start: nil, count: 0)).map { element in
            let error = element.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(element.err, "commit")
            return (TopicPartitionOffset(element.topicPartition, offset: element.offset), error)
        }
    }
}
