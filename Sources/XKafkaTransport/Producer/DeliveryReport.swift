import CKafka
package import XKafkaCore

/// What became of one message that was sent.
///
/// There is one for each message, so it is small, and a failure, which is large and rare, lies on the heap.
package struct DeliveryReport: Sendable {
    /// An error, and what the message said that met it: whoever sends a message need not keep it for the case that it
    /// fails.
    package final class Failure: Sendable {
        package let error: KafkaError
        package let key: MessageBytes?
        package let value: MessageBytes?
        package let headers: MessageHeaders
        /// How long librdkafka had the message.
        package let age: Duration

        init(_ error: KafkaError, of message: UnsafePointer<rd_kafka_message_t>) {
            self.error = error
            key = UnsafeRawBufferPointer(nullable: message.pointee.key, count: message.pointee.key_len)
                .map { MessageBytes($0) }
            value = UnsafeRawBufferPointer(nullable: message.pointee.payload, count: message.pointee.len)
                .map { MessageBytes($0) }
            var list: OpaquePointer?
            let hasHeaders = rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR
            headers = hasHeaders ? list.map { MessageHeaders($0) { MessageBytes($0) } } ?? [:] : [:]
            age = .microseconds(max(0, rd_kafka_message_latency(message)))
        }
    }

    /// Where the message is.
    package let receipt: DeliveryReceipt
    package let failure: Failure?

    /// The partition; negative when the message failed before it got one.
    package var partition: Int32 { receipt.partition }

    /// `nil` when the broker did not tell one.
    package var offset: Int64? { receipt.offset }

    /// `nil` when the broker acknowledged the message.
    package var error: KafkaError? { failure?.error }

    /// Whether the broker acknowledged the message.
    package var isSuccess: Bool { failure == nil }

    init(_ receipt: DeliveryReceipt, _ failure: Failure?) {
        self.receipt = receipt
        self.failure = failure
    }

    init(_ message: UnsafePointer<rd_kafka_message_t>) {
        let code = message.pointee.err
        let status = rd_kafka_message_status(message)
        if code == RD_KAFKA_RESP_ERR_NO_ERROR {
            receipt = DeliveryReceipt(message, isPossiblyPersisted: status != RD_KAFKA_MSG_STATUS_PERSISTED)
            failure = nil
        } else {
            receipt = DeliveryReceipt(message, isPossiblyPersisted: status != RD_KAFKA_MSG_STATUS_NOT_PERSISTED)
            var error = KafkaError(code, "send message")
            error.isPossiblyPersisted = receipt.isPossiblyPersisted
            failure = Failure(error, of: message)
        }
    }
}
