import CKafka
import Synchronization
package import XKafkaCore

/// Owns messages that librdkafka fetched, and frees them together.
///
/// `@unchecked Sendable`: the pointers are set once, and librdkafka writes to a message after
/// handing it over in one place only, when its headers are first read, which `headersLock` covers.
package final class MessageBatch: MessageStorage, @unchecked Sendable {
    private let messages: UnsafeMutableBufferPointer<UnsafeMutablePointer<rd_kafka_message_t>?>
    /// How many there are.
    package let count: Int
    private let headersLock = Mutex(())
    private let lifetime: ConsumerLifetime

    /// Takes up to `limit` messages from `queue` without waiting; `nil` when there is none.
    init?(takingFrom queue: EventQueue, limit: Int, _ lifetime: ConsumerLifetime) {
        self.lifetime = lifetime
        messages = .allocate(capacity: limit)
        messages.initialize(repeating: nil)
        count = max(0, rd_kafka_consume_batch_queue(queue.pointer, 0, messages.baseAddress, limit))
        lifetime.batchTaken()
        if count == 0 { return nil }
    }

    deinit {
        for message in messages.prefix(count) {
            if let message { rd_kafka_message_destroy(message) }
        }
        messages.deallocate()
        lifetime.batchFreed()
    }

    /// What came in the stead of a message.
    package struct Failure {
        package let error: KafkaError
        package let offset: Int64
    }

    /// Whether there is a message at `index`, and not the news of a failure.
    package func isMessage(at index: Int) -> Bool { messages[index]?.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR }

    /// `nil` when there is a message at `index`.
    package func failure(at index: Int, of topicPartition: TopicPartition) -> Failure? {
        guard let pointer = messages[index] else {
            return Failure(error: KafkaError(RD_KAFKA_RESP_ERR__FAIL, "fetch \(topicPartition)"), offset: -1)
        }
        guard pointer.pointee.err != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        let text = rd_kafka_message_errstr(pointer).map(String.init(cString:))
        return Failure(
            error: KafkaError(pointer.pointee.err, "fetch \(topicPartition)", text: text),
            offset: pointer.pointee.offset
        )
    }

    /// The offset of the message at `index`.
    package func offset(at index: Int) -> Int64 { messages[index]?.pointee.offset ?? -1 }

    /// How many bytes the key and the value of the message at `index` have together.
    package func byteCount(at index: Int) -> Int {
        messages[index].map { $0.pointee.key_len + $0.pointee.len } ?? 0
    }

    /// The message at `index`.
    package func message(at index: Int, offset: Int64, from source: MessageSource) -> FetchedMessage {
        FetchedMessage(source: source, storage: self, index: index, offset: offset)
    }

    package func key(at index: Int) -> UnsafeRawBufferPointer? {
        messages[index].flatMap { UnsafeRawBufferPointer(nullable: $0.pointee.key, count: $0.pointee.key_len) }
    }

    package func value(at index: Int) -> UnsafeRawBufferPointer? {
        messages[index].flatMap { UnsafeRawBufferPointer(nullable: $0.pointee.payload, count: $0.pointee.len) }
    }

    package func timestamp(at index: Int) -> MessageTimestamp? { messages[index]?.timestamp }

    package func headers(at index: Int) -> MessageHeaders {
        guard index < count, let message = messages[index] else { return [:] }
        return headersLock.withLock { _ in
            var list: OpaquePointer?
            // Also answers an error for a message whose headers cannot be parsed: it has none then.
            guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [:] }
            return MessageHeaders(list) { MessageBytes($0, ownedBy: self) }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// `nil` for a null pointer, which Kafka tells from an empty run of bytes.
    package init?(nullable start: UnsafeRawPointer?, count: Int) {
        guard let start else { return nil }
        self.init(start: start, count: count)
    }

    package init?(nullable start: UnsafeMutableRawPointer?, count: Int) {
        self.init(nullable: start.map(UnsafeRawPointer.init), count: count)
    }
}

extension UnsafeMutablePointer<rd_kafka_message_t> {
    /// The time the message carries; `nil` when there is none.
    package var timestamp: MessageTimestamp? {
        var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let milliseconds = rd_kafka_message_timestamp(self, &type)
        switch type {
        case RD_KAFKA_TIMESTAMP_CREATE_TIME:
            return MessageTimestamp(millisecondsSinceEpoch: milliseconds, source: .createTime)
        case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME:
            return MessageTimestamp(millisecondsSinceEpoch: milliseconds, source: .logAppendTime)
        default: return nil
        }
    }
}
