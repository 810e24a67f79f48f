import XKafkaWorkers

extension MicroBench {
    private struct Queueing {
        var queues = KeyQueues<Int>()
        let keys: [UInt64]
        let count: Int

        /// Appends all messages, the keys in turn, then takes and finishes all of them.
        mutating func play() {
            var key = 0
            for number in 0..<count {
                _ = queues.append(number, key: keys[key])
                key += 1
                if key == keys.count { key = 0 }
            }
            while let (_, ticket) = queues.next(worker: 0) { _ = queues.finish(ticket) }
        }
    }

    /// An operation is a message: appended, taken, finished.
    func measureKeyQueues() {
        let many = isShort ? ("10,000 keys", 10_000) : ("1,000,000 keys", 1_000_000)
        for (name, keys) in [("1 key", 1), ("1,000 keys", 1_000), many] {
            // Of few keys, as many messages as a shard holds by default; each of them several times.
            let count = max(1_024, keys)
            let rounds = max(1, rounds(1_000_000) / count)
            measure("key queues: appended, taken, finished, \(name)", operations: rounds * count, atMost: 4.5) {
                Queueing(keys: (0..<keys).map(hash), count: count)
            } _: { queueing in
                for _ in 0..<rounds { queueing.play() }
            }
        }
    }
}
