import XKafkaCore
import XKafkaOffsets

/// What a consumer without a group reads: where each partition starts and ends, and where its progress goes.
struct PartitionReading: Sendable {
    struct Part: Sendable {
        /// An offset, or one of librdkafka's logical ones.
        let start: Int64
        /// What an earlier run finished beyond the start.
        let finished: CompletionMap?
        /// The offset at which reading stops; `nil` when it goes on.
        let end: Int64?

        /// Whether there is nothing to read.
        var isEmpty: Bool {
            guard let end, start >= 0 else { return false }
            return start >= end
        }
    }

    let parts: [TopicPartition: Part]
    let store: any OffsetStore
    /// How long the store may fail before the consumer gives up.
    let storeFailureLimit: Duration

    /// Whether the consumer ends by itself.
    var isFinite: Bool { parts.values.contains { $0.end != nil } }

    var partitions: [TopicPartition] { parts.keys.sorted() }
}
