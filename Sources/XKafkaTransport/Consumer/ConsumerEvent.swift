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
    /// Something went wrong.
    case error(KafkaError)
    case log(LogLine)

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
        case RD_KAFKA_EVENT_ERROR:
            self = .error(Self.error(event, code, client))
        case RD_KAFKA_EVENT_LOG:
            guard let line = LogLine(event) else { return nil }
            self = .log(line)
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
