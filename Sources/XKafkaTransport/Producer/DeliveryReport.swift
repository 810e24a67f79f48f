import CKafka
package import XKafkaCore

/// What became of one message that was sent.
package struct DeliveryReport: Sendable {
    package let partition: Int32
    /// `nil` when the broker did not tell one.
    package let offset: Int64?
    package let timestamp: MessageTimestamp?
    /// `nil` when the broker acknowledged the message.
    package let error: KafkaError?
    /// Whether the log may hold the message in spite of an error.
    package let isPossiblyPersisted: Bool

    init(_ message: UnsafePointer<rd_kafka_message_t>) {
        let mutable = UnsafeMutablePointer(mutating: message)
        partition = message.pointee.partition
        offset = message.pointee.offset >= 0 ? message.pointee.offset : nil
        timestamp = mutable.timestamp
        let code = message.pointee.err
        error = code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code, "send message")
        isPossiblyPersisted = rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED
    }
}

/// Is told what became of one message, exactly once, on the producer's thread. It must return at
/// once.
package protocol DeliveryReceiver: AnyObject, Sendable {
    func receive(_ report: DeliveryReport)
}
