import CKafka
package import XKafkaCore

extension ProducerClient {
    /// Where a message goes and what it says.
    package struct Message {
        package var topic: String
        package var partition: Int32?
        package var key: MessageBytes?
        package var value: MessageBytes?
        package var headers: MessageHeaders
        package var timestamp: Int64?

        package init(
            topic: String,
            partition: Int32?,
            key: MessageBytes?,
            value: MessageBytes?,
            headers: MessageHeaders,
            timestamp: Int64?
        ) {
            self.topic = topic
            self.partition = partition
            self.key = key
            self.value = value
            self.headers = headers
            self.timestamp = timestamp
        }
    }

    /// Puts a message into librdkafka's queue, which copies it. `receiver` hears what becomes of it,
    /// unless an error is thrown.
    package func send(_ message: Message, receiver: some DeliveryReceiver) throws(KafkaError) {
        try send(
            to: try topic(message.topic),
            partition: message.partition,
            key: message.key,
            value: message.value,
            headers: message.headers,
            timestamp: message.timestamp,
            target: ReceiverTarget(telling: receiver)
        )
    }

    /// The same, for those who keep the topic's handle and hear of deliveries in batches.
    package func send(
        to topic: ProducerTopic,
        partition: Int32?,
        key: MessageBytes?,
        value: MessageBytes?,
        headers: MessageHeaders,
        timestamp: Int64?,
        target: DeliveryTarget
    ) throws(KafkaError) {
        let sent: Void? = try use { () throws(KafkaError) in
            if isStopping { throw Self.stopped }
            spent.destroyOne()
            let opaque = Unmanaged.passRetained(target).toOpaque()
            let error: KafkaError? =
                if headers.isEmpty, timestamp == nil {
                    sendPlain(topic, partition, key, value, opaque)
                } else {
                    sendFull(topic, partition, key, value, headers, timestamp, opaque)
                }
            if let error {
                Unmanaged<DeliveryTarget>.fromOpaque(opaque).release()
                throw fatalError ?? error
            }
        }
        if sent == nil { throw Self.stopped }
    }

    static var stopped: KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__STATE, "send message", text: "the producer was stopped")
    }

    /// librdkafka's plainest call, which is also its fastest.
    private func sendPlain(
        _ topic: ProducerTopic,
        _ partition: Int32?,
        _ key: MessageBytes?,
        _ value: MessageBytes?,
        _ opaque: UnsafeMutableRawPointer
    ) -> KafkaError? {
        key.withNullableBytes { key, keySize in
            value.withNullableBytes { value, valueSize in
                let status = rd_kafka_produce(
                    topic.pointer,
                    partition ?? RD_KAFKA_PARTITION_UA,
                    RD_KAFKA_MSG_F_COPY,
                    value,
                    valueSize,
                    key,
                    keySize,
                    opaque
                )
                // The error is in `errno`, as it is for C: read before anything else can set it.
                return status == 0 ? nil : KafkaError(rd_kafka_last_error(), "send message")
            }
        }
    }

    private func sendFull(
        _ topic: ProducerTopic,
        _ partition: Int32?,
        _ key: MessageBytes?,
        _ value: MessageBytes?,
        _ headers: MessageHeaders,
        _ timestamp: Int64?,
        _ opaque: UnsafeMutableRawPointer
    ) -> KafkaError? {
        let headers = headers.isEmpty ? nil : HeaderList(headers)
        let error: OpaquePointer? = key.withNullableBytes { key, keySize in
            value.withNullableBytes { value, valueSize in
                withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
                    var arguments = ArgumentList(arguments)
                    arguments.add(RD_KAFKA_VTYPE_RKT) { $0.rkt = topic.pointer }
                    arguments.add(RD_KAFKA_VTYPE_PARTITION) { $0.i32 = partition ?? RD_KAFKA_PARTITION_UA }
                    arguments.add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.i = Int32(RD_KAFKA_MSG_F_COPY) }
                    arguments.add(RD_KAFKA_VTYPE_KEY) { $0.mem = .init(ptr: key, size: keySize) }
                    arguments.add(RD_KAFKA_VTYPE_VALUE) { $0.mem = .init(ptr: value, size: valueSize) }
                    arguments.add(RD_KAFKA_VTYPE_OPAQUE) { $0.ptr = opaque }
                    if let timestamp {
                        arguments.add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.i64 = timestamp }
                    }
                    if let headers {
                        arguments.add(RD_KAFKA_VTYPE_HEADERS) { $0.headers = headers.pointer }
                    }
                    return rd_kafka_produceva(pointer, arguments.start, arguments.count)
                }
            }
        }
        guard let error = KafkaError(consuming: error, "send message") else {
            headers?.disown()
            return nil
        }
        return error
    }
}
