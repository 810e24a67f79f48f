import Synchronization
import Testing
import XKafkaCore
import XKafkaTestingInternal
import XKafkaWorkers

/// Elements that are worked through in runs: the same order and the same ends as without, and nobody waits for long.
@Suite struct ElementRunTests {
    private struct Item: Sendable, Equatable {
        let key: Int
        let number: Int
        var attempt = 1
    }

    private func bundle(_ items: [Item]) -> ElementList<Item> {
        ElementList(elements: items.map { ($0, UInt64($0.key)) })
    }

    private func quickPace() -> WorkPace { WorkPace(isQuick: true) }

    @Test func runsKeepTheOrderAndTellEveryEnd() async throws {
        let done = Collector<Item>()
        let worked = Collector<Item>()
        let pool = makePool(shardCount: 4, pace: quickPace(), onEnd: { done.add($0) }) { (item: Item) in
            worked.add(item)
            return .finished
        }
        pool.start(workers: 8)
        defer { pool.stop() }
        for start in stride(from: 0, to: 4_000, by: 10) {
            let shard = start / 10 % 4
            pool.submit(bundle((start..<start + 10).map { Item(key: shard + 4 * ($0 % 3), number: $0) }), shard: shard)
            if start % 100 == 0 { pool.wake() }
        }
        pool.wake()
        try await done.wait(forCount: 4_000)
        #expect(Set(done.values.map(\.number)).count == 4_000)
        for (key, items) in Dictionary(grouping: worked.values, by: \.key) {
            #expect(items.map(\.number) == items.map(\.number).sorted(), "key \(key)")
        }
        #expect(!pool.hasRuns)
    }

    /// R4, R2: whoever waits in a run behind an element that is not quick goes on once somebody has looked twice; the
    /// element's key waits.
    @Test func elementThatTakesItsTimeHoldsUpNobodyElse() async throws {
        let gate = OneShot<Void>()
        let started = Collector<Int>()
        let done = Collector<Item>()
        let pool = makePool(shardCount: 1, pace: quickPace(), onEnd: { done.add($0) }) { (item: Item) in
            started.add(item.number)
            if item.number == 3 { await gate.waitIgnoringCancellation() }
            return .finished
        }
        pool.start(workers: 2)
        defer { pool.stop() }
        pool.submit(bundle((0..<10).map { Item(key: $0 % 5, number: $0) }), shard: 0)
        pool.submit(bundle((10..<20).map { Item(key: $0 % 5, number: $0) }), shard: 0)
        pool.wake()
        try await started.wait(forCount: 4)
        #expect(done.values.isEmpty, "ends of a run are told together")
        pool.queueStalledRuns()
        #expect(done.values.isEmpty, "it may be quick yet")
        pool.queueStalledRuns()
        try await done.wait(forCount: 16)
        #expect(done.values.allSatisfy { $0.key != 3 })
        // What comes while the key is busy does not wait for it either.
        pool.submit(bundle((20..<30).map { Item(key: $0 % 5, number: $0) }), shard: 0)
        pool.wake()
        try await done.wait(forCount: 24)
        gate.resolve(())
        try await done.wait(forCount: 30)
        #expect(done.values.filter { $0.key == 3 }.map(\.number) == [3, 8, 13, 18, 23, 28])
    }

    /// R4: what waits behind queues whose last key is stuck is queued too.
    @Test func runsDoNotWaitBehindAKeyThatIsStuck() async throws {
        let gate = OneShot<Void>()
        let started = Collector<Int>()
        let done = Collector<Item>()
        let pool = makePool(shardCount: 1, pace: quickPace(), onEnd: { done.add($0) }) { (item: Item) in
            started.add(item.number)
            if item.number == 0 { await gate.waitIgnoringCancellation() }
            return .finished
        }
        pool.start(workers: 2)
        defer { pool.stop() }
        pool.submit(Item(key: 0, number: 0), key: 0, shard: 0)
        pool.wake()
        try await started.wait(forCount: 1)
        pool.submit(bundle((1..<6).map { Item(key: $0 % 5, number: $0) }), shard: 0)
        pool.wake()
        #expect(pool.hasRuns)
        pool.queueStalledRuns()
        pool.queueStalledRuns()
        try await done.wait(forCount: 4)
        gate.resolve(())
        try await done.wait(forCount: 6)
        #expect(done.values.suffix(2).map(\.number) == [0, 5])
    }

    @Test func failedElementIsParkedAndItsFollowersWait() async throws {
        let parked = Collector<ParkedKey>()
        let done = Collector<Item>()
        let pool = makePool(
            shardCount: 1,
            pace: quickPace(),
            onPark: { key, _ in parked.add(key) },
            onEnd: { done.add($0) },
            work: { (item: Item) in
                item.number == 2 && item.attempt == 1 ? .parked(Item(key: 2, number: 2, attempt: 2)) : .finished
            }
        )
        pool.start(workers: 1)
        defer { pool.stop() }
        pool.submit(bundle((0..<10).map { Item(key: $0 % 5, number: $0) }), shard: 0)
        pool.wake()
        try await parked.wait(forCount: 1)
        try await done.wait(forCount: 8)
        #expect(done.values.allSatisfy { $0.key != 2 })
        pool.submit(bundle([Item(key: 1, number: 11), Item(key: 2, number: 12)]), shard: 0)
        pool.wake()
        try await done.wait(forCount: 9)
        #expect(!pool.hasRuns, "nobody has to look while a key is parked")
        pool.unpark(parked.values[0])
        try await done.wait(forCount: 12)
        #expect(
            done.values.filter { $0.key == 2 } == [
                Item(key: 2, number: 2, attempt: 2), Item(key: 2, number: 7), Item(key: 2, number: 12),
            ]
        )
    }

    @Test func whatWasNotBegunCanBeRemoved() async throws {
        let gate = OneShot<Void>()
        let started = Collector<Int>()
        let done = Collector<Item>()
        let pool = makePool(shardCount: 1, pace: quickPace(), onEnd: { done.add($0) }) { (item: Item) in
            started.add(item.number)
            if item.number == 2 { await gate.waitIgnoringCancellation() }
            return .finished
        }
        pool.start(workers: 1)
        defer { pool.stop() }
        pool.submit(bundle((0..<6).map { Item(key: $0, number: $0) }), shard: 0)
        pool.submit(bundle((6..<9).map { Item(key: $0, number: $0) }), shard: 0)
        pool.wake()
        try await started.wait(forCount: 3)
        let removed = pool.removeAll { _ in true }
        #expect(removed.map(\.number).sorted() == Array(3..<9))
        #expect(done.values.map(\.number) == [0, 1], "what had ended is told at once")
        gate.resolve(())
        try await done.wait(forCount: 3)
        #expect(started.values == [0, 1, 2])
    }

    /// R4: a handler in a run is cancelled like any other, and its worker replaced.
    @Test func elementOfARunIsCancelledAndGivenUp() async throws {
        let release = OneShot<Void>()
        let started = Collector<Int>()
        let wasCancelled = Collector<Bool>()
        let pool = makePool(shardCount: 1, pace: quickPace()) { (item: Item) in
            started.add(item.number)
            if item.number == 0 {
                await release.waitIgnoringCancellation()
                wasCancelled.add(Task.isCancelled)
            }
            return .finished
        }
        pool.start(workers: 1)
        defer { pool.stop() }
        pool.submit(bundle([Item(key: 0, number: 0), Item(key: 0, number: 1), Item(key: 1, number: 2)]), shard: 0)
        pool.wake()
        try await started.wait(forCount: 1)
        pool.cancel { $0.number == 0 }
        pool.giveUp { $0.number == 0 }
        try await started.wait(forCount: 2)
        #expect(started.values == [0, 2], "the key of the one that still runs waits (R2)")
        release.resolve(())
        try await started.wait(forCount: 3)
        #expect(wasCancelled.values == [true])
        try await eventually("one worker again") { pool.workerCount == 1 }
    }

    /// Elements that turn out not to be quick are not worked through in runs any more; quick ones are again.
    @Test func paceFollowsTheElements() async throws {
        // Under a sanitizer little is quick.
        let pace = WorkPace(quickLimit: .milliseconds(1))
        let isSlow = Mutex(false)
        let done = Collector<Int>()
        let pool = makePool(shardCount: 1, pace: pace, onEnd: { done.add($0) }) { (_: Int) in
            if isSlow.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(5)) }
            return .finished
        }
        pool.start(workers: 1)
        defer { pool.stop() }
        @Sendable func submit(_ count: Int) {
            pool.submit(ElementList(elements: (0..<count).map { ($0, UInt64($0)) }), shard: 0)
            pool.wake()
        }
        try await eventually("a quick pace") {
            submit(100)
            return pace.isQuick
        }
        isSlow.withLock { $0 = true }
        try await eventually("a slow pace") {
            submit(20)
            pool.queueStalledRuns()
            return !pace.isQuick
        }
    }

    /// Whatever happens meanwhile: every element ends exactly once, in the order of its key, and never two of a key at
    /// the same time.
    @Test(arguments: SeededGenerator.freshSeeds(12))
    func anythingMayHappen(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let shardCount = 3
        let count = 3_000
        let ends = Collector<Item>()
        let worked = Collector<Item>()
        let parked = Mutex<[ParkedKey]>([])
        let running = Mutex<Set<Int>>([])
        let overlaps = Atomic<Int>(0)
        let behaviours = (0..<count).map { _ in Int.random(in: 0..<100, using: &generator) }
        let pool = makePool(
            shardCount: shardCount,
            pace: quickPace(),
            onPark: { key, _ in parked.withLock { $0.append(key) } },
            onEnd: { ends.add($0) },
            work: { (item: Item) in
                if !running.withLock({ $0.insert(item.key).inserted }) { overlaps.add(1, ordering: .relaxed) }
                defer { running.withLock { _ = $0.remove(item.key) } }
                switch behaviours[item.number] {
                case 0..<2: try? await Task.sleep(for: .milliseconds(3))
                case 2..<6: await Task.yield()
                case 6..<9 where item.attempt == 1:
                    return .parked(Item(key: item.key, number: item.number, attempt: 2))
                default: break
                }
                worked.add(item)
                return .finished
            }
        )
        pool.start(workers: 6)
        defer { pool.stop() }
        var removed: [Item] = []
        var number = 0
        while number < count {
            let shard = Int.random(in: 0..<shardCount, using: &generator)
            let length = min(count - number, Int.random(in: 1...30, using: &generator))
            let items = (number..<number + length).map { number in
                Item(key: shard + shardCount * Int.random(in: 0..<12, using: &generator), number: number)
            }
            number += length
            if Int.random(in: 0..<10, using: &generator) == 0 {
                for item in items { pool.submit(item, key: UInt64(item.key), shard: shard) }
            } else {
                pool.submit(bundle(items), shard: shard)
            }
            pool.wake()
            switch Int.random(in: 0..<30, using: &generator) {
            case 0..<10: pool.queueStalledRuns()
            case 10: removed += pool.removeAll { $0.number % 7 == 0 }
            case 11: pool.cancel { $0.number % 5 == 0 }
            case 12: _ = pool.find { $0.number % 11 == 0 }
            // Lets the workers run ahead of what is added.
            case 13: try await Task.sleep(for: .milliseconds(1))
            default: break
            }
            for key in parked.withLock({ keys in
                defer { keys = [] }
                return keys
            }) { pool.unpark(key) }
        }
        let expected = count - removed.count
        let looking = Task {
            while !Task.isCancelled {
                pool.queueStalledRuns()
                for key in parked.withLock({ keys in
                    defer { keys = [] }
                    return keys
                }) { pool.unpark(key) }
                // As the consumer thread does, which is what is tested; nobody waits for it.
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        defer { looking.cancel() }
        try await ends.wait(forCount: expected)
        #expect(ends.values.count == expected)
        #expect(Set(ends.values.map(\.number)).isDisjoint(with: removed.map(\.number)))
        #expect(Set(ends.values.map(\.number)).count == expected)
        #expect(overlaps.load(ordering: .relaxed) == 0)
        try await eventually("nothing left") { pool.inspect { _, _, _ in }.allSatisfy { $0.elements == 0 } }
        for (key, items) in Dictionary(grouping: worked.values, by: \.key) {
            #expect(items.map(\.number) == items.map(\.number).sorted(), "key \(key)")
        }
    }
}
