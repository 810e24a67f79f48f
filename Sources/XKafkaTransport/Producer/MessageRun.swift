import CKafka
package import XKafkaCore

/// Messages to one topic that go into librdkafka's queue with one call: it looks at the clock twice and locks the topic
/// once for all of them.
///
/// For messages that have no headers, no timestamp of their own and no partition that they name. (Partitions could be named,
/// but of one that is not there librdkafka would lose the message, and count it as under way ever after.)
package struct MessageRun: ~Copyable {
    fileprivate let messages: UnsafeMutablePointer<rd_kafka_message_t>
    package let capacity: Int
    package fileprivate(set) var count = 0

    package init(capacity: Int) {
        messages = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit {
        assert(count == 0, "the targets of a run that is neither sent nor emptied are never let go")
        messages.deallocate()
    }

    /// Adds a message. `key` and `value` have to be kept by somebody until the run was sent.
    package mutating func append(key: MessageBytes?, value: MessageBytes?, target: DeliveryTarget) {
        precondition(count < capacity, "the run is full")
        var message = rd_kafka_message_t()
        key.withNullableBytes { (message.key, message.key_len) = ($0, $1) }
        value.withNullableBytes { (message.payload, message.len) = ($0, $1) }
        message._private = Unmanaged.passRetained(target).toOpaque()
        (messages + count).initialize(to: message)
        count += 1
    }

    /// Lets go of all messages, which are sent no more, and tells the place of each and its target.
    package mutating func removeAll(_ body: (Int, DeliveryTarget) -> Void) {
        let count = count
        self.count = 0
        for place in 0..<count {
            if let target = takeTarget(at: place) { body(place, target) }
        }
    }

    /// The target of a message that librdkafka does not have, and will not report on.
    fileprivate func takeTarget(at place: Int) -> DeliveryTarget? {
        messages[place]._private.map { Unmanaged<DeliveryTarget>.fromOpaque($0).takeRetainedValue() }
    }
}

extension ProducerClient {
    /// Puts the messages of a run into librdkafka's queue, which copies them, and empties the run.
    ///
    /// - Parameter refused: called for each message that was not taken, in their order, with its place in the run, its
    ///   target and the reason. The targets of the others hear what becomes of them.
    package func send(
        _ run: inout MessageRun,
        to topic: ProducerTopic,
        refused: (Int, DeliveryTarget, KafkaError) -> Void
    ) {
        let count = run.count
        let sent = try? use { () throws(KafkaError) in
            if isStopping { throw Self.stopped }
            // As many as if they were sent one by one: what is delivered must not pile up.
            for _ in 0..<count { spent.destroyOne() }
            let taken = rd_kafka_produce_batch(
                topic.pointer,
                RD_KAFKA_PARTITION_UA,
                RD_KAFKA_MSG_F_COPY,
                run.messages,
                Int32(count)
            )
            return (taken: Int(taken), fatal: taken < count ? fatalError : nil)
        }
        guard let sent else { return run.removeAll { refused($0, $1, Self.stopped) } }
        // Nothing is asked of the client from here on: whoever hears of an error may stop it, and then it is destroyed.
        if sent.taken < count {
            for place in 0..<count where run.messages[place].err != RD_KAFKA_RESP_ERR_NO_ERROR {
                let error = sent.fatal ?? KafkaError(run.messages[place].err, "send message")
                if let target = run.takeTarget(at: place) { refused(place, target, error) }
            }
        }
        run.count = 0
    }
}
