/// The Fowler-Noll-Vo hash, variant 1a.
package enum FNV1a {
    /// 32 bits, as xkafka and Kafka clients with an `fnv1a` partitioner compute it.
    package static func hash32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var hash: UInt32 = 0x811c_9dc5
        for byte in bytes {
            hash = (hash ^ UInt32(byte)) &* 0x0100_0193
        }
        return hash
    }

    /// 64 bits, continuing from `seed`.
    package static func hash64(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = offsetBasis64) -> UInt64 {
        var hash = seed
        for byte in bytes {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return hash
    }

    package static let offsetBasis64: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The shard of a key: its 32-bit hash, read as unsigned, modulo the number of shards.
    package static func shard(of key: UnsafeRawBufferPointer, count: Int) -> Int {
        Int(hash32(key) % UInt32(clamping: count))
    }
}
