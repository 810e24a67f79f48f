import XKafkaConsume
import XKafkaCore
import XKafkaWorkers

/// Where a message goes: the shard of its logical key, and the queue of that key.
struct MessageRouting: Sendable {
    let shardCount: Int
    let keylessOrder: KeylessOrder

    struct Place {
        let logicalKey: MessageBytes
        let shard: Int
        let queue: UInt64
    }

    /// The place of a message whose logical key is its own key, if it has one.
    func place(_ message: FetchedMessage, of partition: AssignedPartition) -> Place {
        place(key: message.key, offset: message.offset, of: partition)
    }

    /// The place of a message with this key, which may be missing or empty.
    func place(key: MessageBytes?, offset: Int64, of partition: AssignedPartition) -> Place {
        guard let key, !key.isEmpty else { return keylessPlace(offset, of: partition) }
        return place(key, of: partition)
    }

    private func place(_ key: MessageBytes, of partition: AssignedPartition) -> Place {
        key.withUnsafeBytes { bytes in
            Place(
                logicalKey: key,
                shard: FNV1a.shard(of: bytes, count: shardCount),
                queue: FNV1a.hash64(bytes, seed: partition.keySeed)
            )
        }
    }

    private func keylessPlace(_ offset: Int64, of partition: AssignedPartition) -> Place {
        guard keylessOrder == .unordered else { return place(partition.fallbackKey, of: partition) }
        // A queue for each, spread over the shards.
        let queue = withUnsafeBytes(of: offset) { FNV1a.hash64($0, seed: partition.keySeed) }
        return Place(
            logicalKey: partition.fallbackKey,
            shard: Int(queue % UInt64(shardCount)),
            queue: queue
        )
    }
}
