import HeapModule
import Synchronization
import XKafkaWorkers

/// When which parked key is to be tried again. Never more entries than messages in hand.
final class RetryTimers: Sendable {
    typealias Key = ParkedKey

    private struct Entry: Comparable {
        let time: ContinuousClock.Instant
        let key: Key

        static func == (left: Entry, right: Entry) -> Bool { left.time == right.time }
        static func < (left: Entry, right: Entry) -> Bool { left.time < right.time }
    }

    private let entries = Mutex(Heap<Entry>())

    /// Notes a key. Answers whether it is due before all others.
    func add(_ key: Key, at time: ContinuousClock.Instant) -> Bool {
        entries.withLock { entries in
            let isFirst = entries.min.map { time < $0.time } ?? true
            entries.insert(Entry(time: time, key: key))
            return isFirst
        }
    }

    /// When the next key is due.
    var nextTime: ContinuousClock.Instant? { entries.withLock { $0.min?.time } }

    /// Takes the keys that are due.
    func takeDue(at now: ContinuousClock.Instant) -> [Key] {
        entries.withLock { entries in
            var due: [Key] = []
            while let first = entries.min, first.time <= now {
                due.append(first.key)
                entries.removeMin()
            }
            return due
        }
    }
}
