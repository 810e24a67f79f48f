/// The numbers of messages, sorted by the shards of their keys: a shard is locked once for all that go there.
struct ShardLists {
    private var lists: [[Int32]]
    private var used: [Int] = []

    init(shardCount: Int) {
        lists = Array(repeating: [], count: shardCount)
    }

    mutating func add(_ places: [DeliveredBatch.Place]) {
        for (number, place) in places.enumerated() {
            if lists[place.shard].isEmpty { used.append(place.shard) }
            lists[place.shard].append(Int32(number))
        }
    }

    /// Calls `body` with each shard and what was added for it, in order, and forgets that.
    mutating func empty(_ body: (_ shard: Int, _ numbers: [Int32]) -> Void) {
        for shard in used {
            body(shard, lists[shard])
            lists[shard].removeAll(keepingCapacity: true)
        }
        used.removeAll(keepingCapacity: true)
    }
}
