import Testing
import XKafkaTestingInternal
import XKafkaWorkers

@Suite struct KeyQueuesTests {
    @Test func oneElementOfAKeyAtATime() throws {
        var queues = KeyQueues<String>()
        #expect(result(of: queues.append("a1", key: 1)))
        #expect(!result(of: queues.append("a2", key: 1)))
        #expect(result(of: queues.append("b1", key: 2)))
        let a1 = try #require(result(of: queues.next(worker: 0)))
        let b1 = try #require(result(of: queues.next(worker: 1)))
        #expect([a1.element, b1.element] == ["a1", "b1"])
        #expect(result(of: queues.next(worker: 2)) == nil, "a2 waits for a1 (R2)")
        #expect(result(of: queues.finish(a1.ticket)).becameReady)
        #expect(result(of: queues.next(worker: 2))?.element == "a2")
        #expect(!result(of: queues.finish(b1.ticket)).becameReady)
        #expect(queues.count == 1)
    }

    @Test func parkedKeyWaitsAndOthersGoOn() throws {
        var queues = KeyQueues<String>()
        _ = queues.append("a1", key: 1)
        _ = queues.append("a2", key: 1)
        let a1 = try #require(result(of: queues.next(worker: 0)))
        _ = queues.park(a1.ticket, as: "a1 again")
        #expect(result(of: queues.next(worker: 0)) == nil)
        _ = queues.append("b1", key: 2)
        #expect(result(of: queues.next(worker: 0))?.element == "b1", "another key goes on (R4)")
        #expect(result(of: queues.unpark(a1.ticket)))
        #expect(!result(of: queues.unpark(a1.ticket)), "only once")
        #expect(result(of: queues.next(worker: 0))?.element == "a1 again")
    }

    @Test func staleTicketsAreInert() throws {
        var queues = KeyQueues<Int>()
        _ = queues.append(1, key: 1)
        let old = try #require(result(of: queues.next(worker: 0)))
        _ = queues.finish(old.ticket)
        _ = queues.append(2, key: 1)
        _ = queues.next(worker: 0)
        #expect(!result(of: queues.finish(old.ticket)).becameReady)
        #expect(!result(of: queues.unpark(old.ticket)))
        #expect(queues.count == 1)
    }

    @Test func removingLeavesWhatRuns() throws {
        var queues = KeyQueues<Int>()
        for element in [10, 11, 12] { _ = queues.append(element, key: 1) }
        for element in [20, 21] { _ = queues.append(element, key: 2) }
        _ = queues.append(30, key: 3)
        let running = try #require(result(of: queues.next(worker: 0)))
        #expect(running.element == 10)
        let parked = try #require(result(of: queues.next(worker: 0)))
        _ = queues.park(parked.ticket, as: 20)
        #expect(result(of: queues.removeAll { $0 != 21 }).sorted() == [11, 12, 20, 30])
        #expect(queues.readyCount == 1, "21 follows a parked element that is gone")
        #expect(!result(of: queues.unpark(parked.ticket)), "the parked element's timer is inert (R8)")
        #expect(result(of: queues.next(worker: 1))?.element == 21)
        #expect(!result(of: queues.finish(running.ticket)).becameReady)
        #expect(queues.count == 1)
    }

    @Test func cancellationIsToldToWhoeverEndsTheElement() throws {
        var queues = KeyQueues<Int>()
        _ = queues.append(1, key: 1)
        _ = queues.append(2, key: 2)
        let one = try #require(result(of: queues.next(worker: 7)))
        let two = try #require(result(of: queues.next(worker: 8)))
        #expect(result(of: queues.cancel { $0 == 1 }) == [7])
        #expect(result(of: queues.cancel { $0 == 1 }) == [], "once is enough")
        #expect(result(of: queues.finish(one.ticket)).wasCancelled)
        #expect(!result(of: queues.finish(two.ticket)).wasCancelled)
    }

    /// Random operations against a model: order per key (R2), nothing lost or doubled, every key
    /// that can move does (R4).
    @Test(arguments: SeededGenerator.freshSeeds(30))
    func agreesWithAModel(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var queues = KeyQueues<Int>()
        var waiting: [UInt64: [Int]] = [:]
        var running: [(key: UInt64, element: Int, ticket: KeyQueues<Int>.Ticket)] = []
        var parked: [(key: UInt64, ticket: KeyQueues<Int>.Ticket)] = []
        var keyOf: [Int: UInt64] = [:]
        // Keys whose low bits are equal fall into one bucket, and so have to be told apart there.
        let keyCount: UInt64 = Bool.random(using: &random) ? 8 : 64
        let stride: UInt64 = Bool.random(using: &random) ? 1 : 1 << 20
        for element in 0..<2_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                let key = UInt64.random(in: 0..<keyCount, using: &random) * stride
                keyOf[element] = key
                waiting[key, default: []].append(element)
                _ = queues.append(element, key: key)
            case 4...6:
                guard let taken = queues.next(worker: 0) else {
                    let busy = Set(running.map(\.key)).union(parked.map(\.key))
                    let movable = waiting.filter { !$0.value.isEmpty && !busy.contains($0.key) }
                    try #require(movable.isEmpty, "seed \(seed): \(movable) could move")
                    continue
                }
                let key = try #require(keyOf[taken.element])
                try #require(waiting[key]?.first == taken.element, "seed \(seed): order of key \(key)")
                try #require(!running.contains { $0.key == key }, "seed \(seed): overlap of key \(key)")
                running.append((key, taken.element, taken.ticket))
            case 7...8:
                guard let index = running.indices.randomElement(using: &random) else { continue }
                let ended = running.remove(at: index)
                if Bool.random(using: &random) {
                    _ = queues.finish(ended.ticket)
                    waiting[ended.key]?.removeFirst()
                } else {
                    _ = queues.park(ended.ticket, as: ended.element)
                    parked.append((ended.key, ended.ticket))
                }
            default:
                guard let index = parked.indices.randomElement(using: &random) else { continue }
                try #require(result(of: queues.unpark(parked.remove(at: index).ticket)), "seed \(seed)")
            }
            try #require(queues.count == waiting.values.map(\.count).reduce(0, +), "seed \(seed)")
        }
    }
}
