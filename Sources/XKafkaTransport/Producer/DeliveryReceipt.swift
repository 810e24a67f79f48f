import CKafka
package import XKafkaCore

/// Where a message is, in 24 bytes: every message under way has room for one.
package struct DeliveryReceipt: Sendable {
    /// Negative when the broker did not tell one.
    private let rawOffset: Int64
    private let milliseconds: Int64
    /// The partition; negative when the message failed before it got one.
    package let partition: Int32
    private let timestampSource: MessageTimestamp.Source?
    /// Whether the log may hold the message in spite of an error, or may not hold it in spite of none.
    package let isPossiblyPersisted: Bool

    /// `nil` when the broker did not tell one.
    package var offset: Int64? { rawOffset >= 0 ? rawOffset : nil }

    package var timestamp: MessageTimestamp? {
        timestampSource.map { MessageTimestamp(millisecondsSinceEpoch: milliseconds, source: $0) }
    }

    /// That of a message that was not sent yet.
    package static let none = DeliveryReceipt()

    private init() {
        (rawOffset, milliseconds, partition, timestampSource, isPossiblyPersisted) = (-1, 0, -1, nil, false)
    }

    init(_ message: UnsafePointer<rd_kafka_message_t>, isPossiblyPersisted: Bool) {
        rawOffset = message.pointee.offset
        let timestamp = UnsafeMutablePointer(mutating: message).timestamp
        milliseconds = timestamp?.millisecondsSinceEpoch ?? 0
        partition = message.pointee.partition
        timestampSource = timestamp?.source
        self.isPossiblyPersisted = isPossiblyPersisted
    }
}
