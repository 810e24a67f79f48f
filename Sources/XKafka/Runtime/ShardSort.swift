/// Sorts messages by the shards of their keys, so that each shard is locked once for all that go there, and workers find
/// what they read next beside what they read last.
struct ShardSort {
    /// Where each shard begins; while sorting, where its next message goes. Kept for its memory.
    private var starts: [Int]
    private let shardCount: Int

    init(shardCount: Int) {
        self.shardCount = shardCount
        starts = Array(repeating: 0, count: shardCount + 1)
    }

    /// The same places by shard, and within a shard in the order they had.
    mutating func sort(_ places: [DeliveredBatch.Place]) -> [DeliveredBatch.Place] {
        for shard in starts.indices { starts[shard] = 0 }
        for place in places { starts[place.shard + 1] += 1 }
        for shard in 0..<shardCount { starts[shard + 1] += starts[shard] }
        return Array(unsafeUninitializedCapacity: places.count) { sorted, count in
            for place in places {
                sorted.initializeElement(at: starts[place.shard], to: place)
                starts[place.shard] += 1
            }
            count = places.count
        }
    }

    /// Calls `body` with each shard that has any of the places that were sorted last, and where they are.
    func forEachShard(_ body: (_ shard: Int, _ places: Range<Int>) -> Void) {
        // Each shard's start has moved to its end.
        var start = 0
        for shard in 0..<shardCount where starts[shard] > start {
            body(shard, start..<starts[shard])
            start = starts[shard]
        }
    }
}
