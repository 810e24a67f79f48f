import Synchronization

/// Whatever owns the memory of messages that were read from Kafka.
///
/// A message is a light value that points into a batch; the batch is freed when nothing points
/// into it any more.
package protocol MessageStorage: AnyObject, Sendable {
    /// The key of the message at `index`, in memory that the storage owns and nobody writes to.
    func key(at index: Int) -> UnsafeRawBufferPointer?

    /// The value of the message at `index`, likewise.
    func value(at index: Int) -> UnsafeRawBufferPointer?

    /// The time the message at `index` carries.
    func timestamp(at index: Int) -> MessageTimestamp?

    /// The headers of the message at `index`.
    func headers(at index: Int) -> MessageHeaders
}

/// What is common to all messages of one partition in one assignment.
package final class MessageSource: Sendable {
    package let topicPartition: TopicPartition
    /// Counts the assignments of the consumer: tells this one from earlier ones.
    package let epoch: UInt64
    /// The logical key of messages without a key.
    package let fallbackKey: MessageBytes

    private let start = Atomic<Int64>(-1)

    package init(topicPartition: TopicPartition, epoch: UInt64) {
        self.topicPartition = topicPartition
        self.epoch = epoch
        fallbackKey = MessageBytes("\(topicPartition)")
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

/// A message as it was read from Kafka: its place in a ``MessageStorage``, which is asked for what somebody wants to
/// see. Making one costs next to nothing.
package struct FetchedMessage: Sendable {
    package let source: MessageSource
    package let storage: any MessageStorage
    /// Which message of the storage this is.
    package let index: Int
    package let offset: Int64

    package init(source: MessageSource, storage: any MessageStorage, index: Int, offset: Int64) {
        self.source = source
        self.storage = storage
        self.index = index
        self.offset = offset
    }

    package var key: MessageBytes? { storage.key(at: index).map { MessageBytes($0, ownedBy: storage) } }
    package var value: MessageBytes? { storage.value(at: index).map { MessageBytes($0, ownedBy: storage) } }
    package var timestamp: MessageTimestamp? { storage.timestamp(at: index) }
    package var headers: MessageHeaders { storage.headers(at: index) }
    package var byteCount: Int { (storage.key(at: index)?.count ?? 0) + (storage.value(at: index)?.count ?? 0) }

    /// What orders the message unless the user says otherwise.
    package var logicalKey: MessageBytes {
        guard let key = storage.key(at: index), !key.isEmpty else { return source.fallbackKey }
        return MessageBytes(key, ownedBy: storage)
    }
}

/// A message in memory of its own: made by tests, or copied out of a batch.
package final class OwnedMessageStorage: MessageStorage {
    private let key: ByteStorage?
    private let value: ByteStorage?
    private let timestamp: MessageTimestamp?
    private let ownHeaders: MessageHeaders

    private init(key: MessageBytes?, value: MessageBytes?, timestamp: MessageTimestamp?, headers: MessageHeaders) {
        self.key = key.map { $0.withUnsafeBytes { ByteStorage(copying: $0) } }
        self.value = value.map { $0.withUnsafeBytes { ByteStorage(copying: $0) } }
        self.timestamp = timestamp
        ownHeaders = headers
    }

    package func key(at index: Int) -> UnsafeRawBufferPointer? { key?.bytes }
    package func value(at index: Int) -> UnsafeRawBufferPointer? { value?.bytes }
    package func timestamp(at index: Int) -> MessageTimestamp? { timestamp }
    package func headers(at index: Int) -> MessageHeaders { ownHeaders }

    package static func message(
        source: MessageSource,
        offset: Int64,
        timestamp: MessageTimestamp?,
        key: MessageBytes?,
        value: MessageBytes?,
        headers: MessageHeaders
    ) -> FetchedMessage {
        let storage = OwnedMessageStorage(key: key, value: value, timestamp: timestamp, headers: headers)
        return FetchedMessage(source: source, storage: storage, index: 0, offset: offset)
    }
}

extension FetchedMessage {
    /// Whether it has memory of its own.
    package var isCopied: Bool { storage is OwnedMessageStorage }

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
