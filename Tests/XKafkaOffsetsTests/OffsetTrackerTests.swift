import Testing
import XKafkaOffsets
import XKafkaTestingInternal

@Suite struct OffsetTrackerTests {
    @Test func frontierFollowsCompletionsInOrder() throws {
        var tracker = OffsetTracker(startingAt: 5)
        let first = try #require(result(of: tracker.deliver(5)))
        let second = try #require(result(of: tracker.deliver(6)))
        #expect(tracker.frontier == 5)
        #expect(result(of: tracker.complete(first)))
        #expect(tracker.frontier == 6)
        #expect(result(of: tracker.complete(second)))
        #expect(tracker.frontier == 7)
        #expect(tracker.outstanding == 0)
    }

    @Test func frontierWaitsForTheOldestMessage() throws {
        var tracker = OffsetTracker(startingAt: 0)
        let first = try #require(result(of: tracker.deliver(0)))
        let second = try #require(result(of: tracker.deliver(1)))
        #expect(!result(of: tracker.complete(second)))
        #expect(tracker.frontier == 0)
        #expect(tracker.completedBeyondFrontier == 1)
        #expect(tracker.outstandingOffsets == [0])
        #expect(result(of: tracker.complete(first)))
        #expect(tracker.frontier == 2)
    }

    /// R5: xkafka's tracker stopped for ever at the first transaction marker.
    @Test func gapsNeverHoldTheFrontier() throws {
        var tracker = OffsetTracker(startingAt: 0)
        let first = try #require(result(of: tracker.deliver(3)))
        let second = try #require(result(of: tracker.deliver(10)))
        #expect(result(of: tracker.complete(first)))
        #expect(tracker.frontier == 10, "offsets 4 to 9 were never delivered")
        #expect(result(of: tracker.complete(second)))
        #expect(result(of: tracker.passOver(to: 15)))
        #expect(tracker.frontier == 15)
        #expect(!result(of: tracker.passOver(to: 12)), "never backwards (R11)")
    }

    @Test func repeatedDeliveryIsRefused() throws {
        var tracker = OffsetTracker()
        #expect(tracker.frontier == nil)
        let first = try #require(result(of: tracker.deliver(7)))
        #expect(result(of: tracker.deliver(7)) == nil)
        #expect(result(of: tracker.deliver(6)) == nil)
        #expect(result(of: tracker.deliver(-1)) == nil)
        #expect(result(of: tracker.complete(first)))
        #expect(!result(of: tracker.complete(first)), "a second completion changes nothing")
        #expect(tracker.frontier == 8)
        #expect(result(of: tracker.deliver(7)) == nil)
    }

    /// A topic that was deleted and made anew ends before the committed offset.
    @Test func logThatWasResetIsReadFromItsNewStart() throws {
        var tracker = OffsetTracker(startingAt: 1_000)
        let first = try #require(result(of: tracker.deliver(0)))
        #expect(tracker.frontier == 0)
        #expect(result(of: tracker.complete(first)))
        #expect(tracker.frontier == 1)
    }

    /// R5: the end of a partition is usually reported while its last messages are being worked on.
    @Test func passingOverWaitsForOpenMessages() throws {
        var tracker = OffsetTracker(startingAt: 0)
        let first = try #require(result(of: tracker.deliver(0)))
        let second = try #require(result(of: tracker.deliver(1)))
        #expect(!result(of: tracker.passOver(to: 9)))
        #expect(!result(of: tracker.passOver(to: 5)), "less is known already")
        #expect(!result(of: tracker.complete(second)))
        #expect(tracker.frontier == 0)
        #expect(result(of: tracker.complete(first)))
        #expect(tracker.frontier == 9)
        #expect(tracker.span == 0)
        let third = try #require(result(of: tracker.deliver(12)))
        #expect(tracker.frontier == 12)
        #expect(result(of: tracker.complete(third)))
        #expect(tracker.frontier == 13)
    }

    @Test func deliveriesMakeAnEarlierEndMoot() throws {
        var tracker = OffsetTracker(startingAt: 0)
        let first = try #require(result(of: tracker.deliver(0)))
        #expect(!result(of: tracker.passOver(to: 4)))
        let second = try #require(result(of: tracker.deliver(4)))
        #expect(!result(of: tracker.passOver(to: 3)), "delivered beyond it already")
        #expect(result(of: tracker.complete(first)))
        #expect(tracker.frontier == 4)
        #expect(result(of: tracker.complete(second)))
        #expect(tracker.frontier == 5)
    }

    /// A position that is not true must not lose the message that shows it (R1).
    @Test func messageBeforeAReportedEndIsNotPassed() throws {
        var tracker = OffsetTracker(startingAt: 0)
        let first = try #require(result(of: tracker.deliver(0)))
        #expect(!result(of: tracker.passOver(to: 9)))
        let second = try #require(result(of: tracker.deliver(5)))
        #expect(result(of: tracker.complete(first)))
        #expect(tracker.frontier == 5)
        #expect(result(of: tracker.complete(second)))
        #expect(tracker.frontier == 6)
    }

    /// Against a model that remembers everything: R1 and R11 after each step.
    @Test(arguments: SeededGenerator.freshSeeds(50))
    func agreesWithAModel(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var tracker = OffsetTracker(startingAt: 0)
        var delivered: [(offset: Int64, delivery: OffsetTracker.Delivery, isDone: Bool)] = []
        var next: Int64 = 0
        var lastFrontier: Int64 = 0
        for _ in 0..<400 {
            let open = delivered.indices.filter { !delivered[$0].isDone }
            if Int.random(in: 0..<10, using: &random) == 0 {
                next += Int64.random(in: 0...3, using: &random)
                _ = tracker.passOver(to: next)
            } else if Bool.random(using: &random) || open.isEmpty {
                next += Int64.random(in: 0...3, using: &random)
                let delivery = try #require(result(of: tracker.deliver(next)), "seed \(seed)")
                delivered.append((next, delivery, false))
                next += 1
            } else if let index = open.randomElement(using: &random) {
                delivered[index].isDone = true
                _ = tracker.complete(delivered[index].delivery)
            }
            // Everything before the next offset was delivered, or never will be.
            let expected = delivered.first { !$0.isDone }?.offset ?? next
            let frontier = try #require(tracker.frontier, "seed \(seed)")
            try #require(frontier == expected, "seed \(seed)")
            try #require(frontier >= lastFrontier, "seed \(seed)")
            let map = try #require(tracker.completionMap, "seed \(seed)")
            for message in delivered where message.offset >= frontier {
                try #require(map.contains(message.offset) == message.isDone, "seed \(seed), offset \(message.offset)")
            }
            try #require(tracker.outstanding == delivered.count { !$0.isDone }, "seed \(seed)")
            lastFrontier = frontier
        }
    }
}
