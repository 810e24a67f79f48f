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

    /// The place of a message with this key, which may be missing or empty.
    func place(key: MessageBytes?, offset: Int64, of partition: AssignedPartition) -> Place {
        let (shard, queue) = (key ?? MessageBytes()).withUnsafeBytes {
            place(keyBytes: $0, offset: offset, of: partition)
        }
        return Place(
            logicalKey: key.flatMap { $0.isEmpty ? nil : $0 } ?? partition.source.fallbackKey,
            shard: shard,
            queue: queue
        )
    }

    /// The shard and the queue of a message with this key, which may be missing or empty.
    func place(
        keyBytes: UnsafeRawBufferPointer?,
        offset: Int64,
        of partition: AssignedPartition
    ) -> (shard: Int, queue: UInt64) {
        if let keyBytes, !keyBytes.isEmpty { return place(keyBytes, partition) }
        guard keylessOrder == .unordered else {
            return partition.source.fallbackKey.withUnsafeBytes { place($0, partition) }
        }
        // A queue for each, spread over the shards.
        let queue = withUnsafeBytes(of: offset) { FNV1a.hash64($0, seed: partition.keySeed) }
        return (Int(queue % UInt64(shardCount)), queue)
    }

    private func place(_ key: UnsafeRawBufferPointer, _ partition: AssignedPartition) -> (shard: Int, queue: UInt64) {
        (FNV1a.shard(of: key, count: shardCount), FNV1a.hash64(key, seed: partition.keySeed))
    }
}
