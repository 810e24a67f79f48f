import Synchronization
public import XKafkaCore

/// An ``OffsetStore`` that forgets everything when the process ends.
public final class MemoryOffsetStore: OffsetStore {
    private let offsets = Mutex<[TopicPartition: Int64]>([:])

    /// A store that holds nothing.
    public init() {}

    /// The offset that was saved last for `partition`, or `nil`. Never throws.
    public func load(_ partition: TopicPartition) async throws -> Int64? {
        offsets.withLock { $0[partition] }
    }

    /// Keeps `nextOffset` for `partition`. Never throws.
    public func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {
        offsets.withLock { $0[partition] = nextOffset }
    }
}
