import CKafka
package import XKafkaCore

/// A librdkafka consumer.
///
/// Everything here is called from one thread, the consumer thread: up to librdkafka 2.0.2, taking
/// batches of messages while another thread assigns or seeks can skip messages. No call waits for
/// anything.
///
/// `@unchecked Sendable`: it is handed to that thread once.
package final class ConsumerClient: @unchecked Sendable {
    private let client: ClientHandle
    /// Where rebalances, commit results, errors and log lines arrive.
    private var events: EventQueue?
    private let lifetime: ConsumerLifetime

    /// Makes a consumer whose events raise `signal`.
    package init(_ properties: ClientProperties, waking signal: WakeSignal) throws(KafkaError) {
        client = try ClientHandle(.consumer, properties, events: ConsumerEvent.kinds)
        // Everything arrives on one queue: the main one and the log's are led there.
        let queue = rd_kafka_queue_get_consumer(client.pointer)
        guard let queue else {
            client.destroy()
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "create the consumer", text: "group.id is not set")
        }
        rd_kafka_poll_set_consumer(client.pointer)
        rd_kafka_set_log_queue(client.pointer, queue)
        events = EventQueue(adopting: queue) { signal.raise() }
        lifetime = ConsumerLifetime(client)
    }

    // MARK: Events

    /// The next event, if there is one.
    package func nextEvent() -> ConsumerEvent? {
        while let events, let event = rd_kafka_queue_poll(events.pointer, 0) {
            defer { rd_kafka_event_destroy(event) }
            if let event = ConsumerEvent(event, of: client) { return event }
        }
        return nil
    }

    // MARK: Group

    /// Joins the group to read these topics; one that starts with `^` is a regular expression.
    package func subscribe(_ topics: [String]) throws(KafkaError) {
        let list = TopicPartitionList(topics.map { TopicPartition(topic: $0, partition: RD_KAFKA_PARTITION_UA) })
        try KafkaError.check(rd_kafka_subscribe(client.pointer, list.pointer), "subscribe")
    }

    /// Whether the group rebalances cooperatively. To be asked once, after an assignment: the call
    /// can hang in some versions while the consumer closes.
    package var isCooperative: Bool {
        rd_kafka_rebalance_protocol(client.pointer).map { String(cString: $0) } == "COOPERATIVE"
    }

    /// Starts reading at the given offsets, which may be logical ones.
    package func assign(_ offsets: [TopicPartitionOffset], incrementally: Bool) throws(KafkaError) {
        let list = TopicPartitionList(offsets)
        if incrementally {
            try KafkaError.check(consuming: rd_kafka_incremental_assign(client.pointer, list.pointer), "assign")
        } else {
            try KafkaError.check(rd_kafka_assign(client.pointer, list.pointer), "assign")
        }
    }

    /// Stops reading these partitions.
    package func unassign(_ partitions: [TopicPartition], incrementally: Bool) throws(KafkaError) {
        if incrementally {
            let list = TopicPartitionList(partitions)
            try KafkaError.check(consuming: rd_kafka_incremental_unassign(client.pointer, list.pointer), "unassign")
        } else {
            try KafkaError.check(rd_kafka_assign(client.pointer, nil), "unassign")
        }
    }

    // MARK: Messages

    /// The queue of one partition, kept apart from the others: a partition that is not read is its
    /// own backpressure. To be taken before the partition is assigned, and not while an earlier
    /// queue of the same partition is alive.
    ///
    /// - Parameter onMessage: called when the queue stops being empty; see ``EventQueue``.
    package func queue(
        of partition: TopicPartition,
        onMessage: @escaping @Sendable () -> Void
    ) throws(KafkaError) -> EventQueue {
        let queue = rd_kafka_queue_get_partition(client.pointer, partition.topic, partition.partition)
        guard let queue else { throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "read \(partition)") }
        rd_kafka_queue_forward(queue, nil)
        return EventQueue(adopting: queue, onElement: onMessage)
    }

    /// Takes up to `limit` messages from a partition's queue, without waiting; `nil` when there is none.
    package func takeMessages(from queue: EventQueue, limit: Int) -> MessageBatch? {
        MessageBatch(takingFrom: queue, limit: limit, lifetime)
    }

    /// Where the partition ended when it was last fetched from (its high watermark); `nil` before that. A look at what
    /// the client knows.
    package func endOffset(of partition: TopicPartition) -> Int64? {
        var (low, high): (Int64, Int64) = (-1, -1)
        let code = rd_kafka_get_watermark_offsets(client.pointer, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }

    // MARK: Commits

    /// Sends a commit. Its outcome arrives as an event with the same number.
    package func commit(_ offsets: [OffsetAndMetadata], number: Int) throws(KafkaError) {
        let list = TopicPartitionList(offsets)
        try KafkaError.check(
            rd_kafka_commit_queue(
                client.pointer,
                list.pointer,
                events?.pointer,
                nil,
                UnsafeMutableRawPointer(bitPattern: number)
            ),
            "commit"
        )
    }

    /// Asks what the group has committed for these partitions, metadata included, which assigning does
    /// not tell. The answer arrives as an event with the same number.
    package func requestCommitted(_ partitions: [TopicPartition], group: String, number: Int, timeout: Duration) {
        let list = TopicPartitionList(partitions)
        var request: OpaquePointer? = rd_kafka_ListConsumerGroupOffsets_new(group, list.pointer)
        let options = rd_kafka_AdminOptions_new(client.pointer, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS)
        defer {
            rd_kafka_ListConsumerGroupOffsets_destroy(request)
            rd_kafka_AdminOptions_destroy(options)
        }
        // A time that librdkafka does not take is a smaller loss than no answer: its default holds.
        _ = withErrorText { text, size in
            rd_kafka_AdminOptions_set_request_timeout(options, timeout.wholeMilliseconds, text, size)
        }
        rd_kafka_AdminOptions_set_opaque(options, UnsafeMutableRawPointer(bitPattern: number))
        rd_kafka_ListConsumerGroupOffsets(client.pointer, &request, 1, options, events?.pointer)
    }

    // MARK: End

    /// Starts leaving the group. Events go on, and have to be answered, until ``isClosed``.
    package func beginClose() throws(KafkaError) {
        try KafkaError.check(consuming: rd_kafka_consumer_close_queue(client.pointer, events?.pointer), "close")
    }

    /// Whether the group was left.
    package var isClosed: Bool { rd_kafka_consumer_closed(client.pointer) != 0 }

    /// Frees the client, on another thread, as soon as every message taken from it is freed; then
    /// `onDestroyed` is called. Answers whether that is now. Nothing may be called afterwards.
    package func release(onDestroyed: @escaping @Sendable () -> Void) -> Bool {
        events = nil
        return lifetime.release(onDestroyed: onDestroyed)
    }
}
