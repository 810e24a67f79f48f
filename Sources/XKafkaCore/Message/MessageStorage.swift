import Synchronization

/// Whatever owns the memory of messages that were read from Kafka.
///
/// A message is a light value that points into a batch; the batch is freed when nothing points
/// into it any more.
package protocol MessageStorage: AnyObject, Sendable {
    /// The headers of the message at `index`.
    func headers(at index: Int) -> MessageHeaders
}

/// What is common to all messages of one partition in one assignment.
package final class MessageSource: Sendable {
    package let topicPartition: TopicPartition
    /// Counts the assignments of the consumer: tells this one from earlier ones.
    package let epoch: UInt64

    private let start = Atomic<Int64>(-1)

    package init(topicPartition: TopicPartition, epoch: UInt64) {
        self.topicPartition = topicPartition
        self.epoch = epoch
    }

    /// The offset of the first message that was delivered; `nil` before that.
    package var firstOffset: Int64? {
        let offset = start.load(ordering: .acquiring)
        return offset < 0 ? nil : offset
    }

    /// Notes the first message that is delivered; later ones change nothing.
    package func noteDelivered(_ offset: Int64) {
        if start.load(ordering: .relaxed) < 0 { start.store(offset, ordering: .releasing) }
    }
}

/// A message as it was read from Kafka: pointers into a ``MessageStorage``.
package struct FetchedMessage: Sendable {
    package let source: MessageSource
    package let storage: any MessageStorage
    /// Which message of the storage this is.
    package let index: Int
    package let offset: Int64
    package let timestamp: MessageTimestamp?
    /// Into memory that `storage` owns and nobody writes to, hence safe to share.
    package nonisolated(unsafe) let keyBytes: UnsafeRawBufferPointer?
    package nonisolated(unsafe) let valueBytes: UnsafeRawBufferPointer?

    package init(
        source: MessageSource,
        storage: any MessageStorage,
        index: Int,
        offset: Int64,
        timestamp: MessageTimestamp?,
        keyBytes: UnsafeRawBufferPointer?,
        valueBytes: UnsafeRawBufferPointer?
    ) {
        self.source = source
        self.storage = storage
        self.index = index
        self.offset = offset
        self.timestamp = timestamp
        self.keyBytes = keyBytes
        self.valueBytes = valueBytes
    }

    package var key: MessageBytes? { keyBytes.map { MessageBytes($0, ownedBy: storage) } }
    package var value: MessageBytes? { valueBytes.map { MessageBytes($0, ownedBy: storage) } }
    package var headers: MessageHeaders { storage.headers(at: index) }
    package var byteCount: Int { (keyBytes?.count ?? 0) + (valueBytes?.count ?? 0) }
}

/// A message in memory of its own: made by tests, or copied out of a batch.
package final class OwnedMessageStorage: MessageStorage {
    private let key: ByteStorage?
    private let value: ByteStorage?
    private let ownHeaders: MessageHeaders

    private init(key: MessageBytes?, value: MessageBytes?, headers: MessageHeaders) {
        self.key = key.map { $0.withUnsafeBytes { ByteStorage(copying: $0) } }
        self.value = value.map { $0.withUnsafeBytes { ByteStorage(copying: $0) } }
        ownHeaders = headers
    }

    package func headers(at index: Int) -> MessageHeaders { ownHeaders }

    package static func message(
        source: MessageSource,
        offset: Int64,
        timestamp: MessageTimestamp?,
        key: MessageBytes?,
        value: MessageBytes?,
        headers: MessageHeaders
    ) -> FetchedMessage {
        let storage = OwnedMessageStorage(key: key, value: value, headers: headers)
        return FetchedMessage(
            source: source,
            storage: storage,
            index: 0,
            offset: offset,
            timestamp: timestamp,
            keyBytes: storage.key?.bytes,
            valueBytes: storage.value?.bytes
        )
    }
}

extension FetchedMessage {
    /// The same message in memory of its own.
    package func copied() -> FetchedMessage {
        let headers = MessageHeaders(
            headers.map { MessageHeader(nameBytes: $0.nameBytes.copied(), value: $0.value?.copied()) }
        )
        return OwnedMessageStorage.message(
            source: source,
            offset: offset,
            timestamp: timestamp,
            key: key,
            value: value,
            headers: headers
        )
    }
}
