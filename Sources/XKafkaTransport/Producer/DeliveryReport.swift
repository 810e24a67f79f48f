import CKafka
package import XKafkaCore

/// What became of one message that was sent.
package struct DeliveryReport: Sendable {
    /// On the heap, since it is large and rare: a report that is passed around stays small.
    private final class Failure: Sendable {
        let error: KafkaError

        init(_ error: KafkaError) {
            self.error = error
        }
    }

    /// The partition; negative when the message failed before it got one.
    package let partition: Int32
    /// `nil` when the broker did not tell one.
    package let offset: Int64?
    package let timestamp: MessageTimestamp?
    /// Whether the log may hold the message in spite of an error, or may not hold it in spite of none.
    package let isPossiblyPersisted: Bool
    private let failure: Failure?

    /// `nil` when the broker acknowledged the message.
    package var error: KafkaError? { failure?.error }

    /// Whether the broker acknowledged the message.
    package var isSuccess: Bool { failure == nil }

    init(_ message: UnsafePointer<rd_kafka_message_t>) {
        let mutable = UnsafeMutablePointer(mutating: message)
        partition = message.pointee.partition
        offset = message.pointee.offset >= 0 ? message.pointee.offset : nil
        timestamp = mutable.timestamp
        let code = message.pointee.err
        let status = rd_kafka_message_status(message)
        if code == RD_KAFKA_RESP_ERR_NO_ERROR {
            isPossiblyPersisted = status != RD_KAFKA_MSG_STATUS_PERSISTED
            failure = nil
        } else {
            isPossiblyPersisted = status != RD_KAFKA_MSG_STATUS_NOT_PERSISTED
            var error = KafkaError(code, "send message")
            error.isPossiblyPersisted = isPossiblyPersisted
            failure = Failure(error)
        }
    }
}

/// Is told what became of one message, exactly once, on the producer's thread. It must return at
/// once.
package protocol DeliveryReceiver: AnyObject, Sendable {
    func receive(_ report: DeliveryReport)
}
