import Dispatch
import Synchronization
import Testing
import XKafkaCore
import XKafkaTestingInternal
import XKafkaWorkers

private enum Context {
    @TaskLocal static var name = "none"
}

@Suite struct WorkerPoolTests {
    private struct Item: Sendable {
        let key: Int
        let number: Int
        var attempt = 1
    }

    @Test func keepsOrderPerKeyAndRunsKeysAtOnce() async throws {
        let done = Collector<Item>()
        let running = Atomic<Int>(0)
        let peak = Atomic<Int>(0)
        let pool = makePool(shardCount: 4, onPark: { _, _ in }) { (item: Item) in
            let now = running.add(1, ordering: .relaxed).newValue
            peak.max(now, ordering: .relaxed)
            await Task.yield()
            running.subtract(1, ordering: .relaxed)
            done.add(item)
            return .finished
        }
        pool.start(workers: 8)
        defer { pool.stop() }
        for number in 0..<2_000 {
            pool.submit(Item(key: number % 20, number: number), key: UInt64(number % 20), shard: number % 20)
            if number % 50 == 0 { pool.wake() }
        }
        pool.wake()
        try await done.wait(forCount: 2_000)
        for (key, items) in Dictionary(grouping: done.values, by: \.key) {
            #expect(items.map(\.number) == items.map(\.number).sorted(), "key \(key)")
        }
        #expect(peak.load(ordering: .relaxed) <= 8)
        #expect(peak.load(ordering: .relaxed) > 1)
    }

    @Test func blockedKeyHoldsUpNobodyElse() async throws {
        let gate = Collector<Bool>()
        let done = Collector<Int>()
        let pool = makePool(shardCount: 1, onPark: { _, _ in }) { (item: Item) in
            if item.key == 0 { try? await gate.wait(forCount: 1) }
            done.add(item.number)
            return .finished
        }
        pool.start(workers: 2)
        defer { pool.stop() }
        for number in 0..<100 {
            pool.submit(Item(key: number % 10, number: number), key: UInt64(number % 10), shard: 0)
        }
        pool.wake()
        try await done.wait(forCount: 90)
        #expect(done.values.allSatisfy { $0 % 10 != 0 })
        gate.add(true)
        try await done.wait(forCount: 100)
        #expect(done.values.suffix(10) == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
    }

    @Test func parkedElementComesBackAndHoldsNoWorker() async throws {
        let parked = Collector<ParkedKey>()
        let done = Collector<Item>()
        let pool = makePool(shardCount: 2, onPark: { key, _ in parked.add(key) }) { (item: Item) in
            if item.key == 0, item.attempt == 1 {
                return .parked(Item(key: 0, number: item.number, attempt: 2))
            }
            done.add(item)
            return .finished
        }
        pool.start(workers: 1)
        defer { pool.stop() }
        pool.submit(Item(key: 0, number: 0), key: 0, shard: 0)
        pool.submit(Item(key: 0, number: 1, attempt: 2), key: 0, shard: 0)
        pool.submit(Item(key: 1, number: 2), key: 1, shard: 1)
        pool.wake()
        try await done.wait(forCount: 1)
        #expect(done.values.map(\.number) == [2], "the only worker was free for the other key")
        try await parked.wait(forCount: 1)
        pool.unpark(parked.values[0])
        try await done.wait(forCount: 3)
        #expect(done.values.map(\.number) == [2, 0, 1])
    }

    @Test func cancellingReachesOnlyWhatIsMeant() async throws {
        let started = Collector<Int>()
        let ended = Collector<(number: Int, wasCancelled: Bool)>()
        let gate = Collector<Bool>()
        let pool = makePool(shardCount: 2, onPark: { _, _ in }) { (item: Item) in
            started.add(item.number)
            // Ends when the gate opens or when it is cancelled.
            if item.number < 2 {
                try? await withDeadline(.seconds(20), "the gate") { try await gate.wait(forCount: 1) }
            }
            ended.add((item.number, Task.isCancelled))
            return .finished
        }
        pool.start(workers: 2)
        defer { pool.stop() }
        pool.submit(Item(key: 0, number: 0), key: 0, shard: 0)
        pool.submit(Item(key: 1, number: 1), key: 1, shard: 1)
        pool.wake()
        try await started.wait(forCount: 2)
        pool.cancel { $0.number == 0 }
        for number in 2..<20 { pool.submit(Item(key: number, number: number), key: UInt64(number), shard: number) }
        pool.wake()
        // The cancelled handler waits in a collector that does not look at cancellation.
        gate.add(true)
        try await ended.wait(forCount: 20)
        #expect(ended.values.filter(\.wasCancelled).map(\.number) == [0])
    }

    /// R4: a handler that does not react to being cancelled keeps its key busy, and nobody else waiting.
    @Test func givenUpWorkersAreReplacedOnce() async throws {
        let release = OneShot<Void>()
        let started = Collector<Int>()
        let contexts = Collector<String>()
        let pool = makePool(shardCount: 2, onPark: { _, _ in }) { (item: Item) in
            started.add(item.number)
            contexts.add(Context.name)
            if item.number == 0 { await release.waitIgnoringCancellation() }
            return .finished
        }
        Context.$name.withValue("consume") { pool.start(workers: 1) }
        defer { pool.stop() }
        pool.submit(Item(key: 0, number: 0), key: 0, shard: 0)
        pool.wake()
        try await started.wait(forCount: 1)
        pool.giveUp { _ in true }
        pool.submit(Item(key: 0, number: 1), key: 0, shard: 0)
        pool.submit(Item(key: 1, number: 2), key: 1, shard: 1)
        pool.wake()
        #expect(started.values == [0], "only what was cancelled is given up")
        pool.cancel { $0.number == 0 }
        pool.giveUp { $0.number == 0 }
        pool.giveUp { $0.number == 0 }
        try await started.wait(forCount: 2)
        #expect(started.values == [0, 2], "the key of the one that still runs waits (R2)")
        release.resolve(())
        try await started.wait(forCount: 3)
        #expect(contexts.values == ["consume", "consume", "consume"])
        try await eventually("one worker again") { pool.workerCount == 1 }
    }

    @Test func workersSeeTheTaskLocalsOfWhoeverStartedThem() async throws {
        let seen = Collector<String>()
        let pool = makePool(shardCount: 1, onPark: { _, _ in }) { (_: Int) in
            seen.add(Context.name)
            return .finished
        }
        Context.$name.withValue("consume") { pool.start(workers: 1) }
        pool.submit(1, key: 1, shard: 0)
        pool.wake()
        try await seen.wait(forCount: 1)
        pool.stop()
        #expect(seen.values == ["consume"])
    }

    /// A lost wake-up would leave an element lying until the next one comes (R4). Each element is
    /// submitted in the moment in which the only worker, done with the one before, is about to rest.
    @Test func noWakeUpIsLost() async throws {
        let isDone = DispatchSemaphore(value: 0)
        let pool = makePool(shardCount: 8, onPark: { _, _ in }) { (_: Int) in
            isDone.signal()
            return .finished
        }
        pool.start(workers: 1)
        defer { pool.stop() }
        let lost = await withCheckedContinuation { continuation in
            // A thread that may block.
            DispatchQueue(label: "submitter").async {
                for number in 0..<100_000 {
                    pool.submit(number, key: UInt64(number), shard: number)
                    pool.wake()
                    if isDone.wait(timeout: .now() + 30) == .timedOut {
                        continuation.resume(returning: number as Int?)
                        return
                    }
                }
                continuation.resume(returning: nil)
            }
        }
        #expect(lost == nil, "no worker came for this element")
    }
}
