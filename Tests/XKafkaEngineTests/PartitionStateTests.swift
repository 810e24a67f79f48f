import Testing
import XKafkaEngine
import XKafkaOffsets
import XKafkaTestingInternal

@Suite struct PartitionStateTests {
    @Test func countsWhatIsInHand() throws {
        var state = PartitionState(startingAt: 0)
        let first = try #require(result(of: state.deliver(0, bytes: 10)))
        let second = try #require(result(of: state.deliver(1, bytes: 5)))
        #expect(state.held == 2)
        #expect(state.heldBytes == 15)
        #expect(result(of: state.end(second, offset: 1, bytes: 5, .completed)).madeProgress)
        #expect(state.tracker.frontier == 0)
        #expect(result(of: state.end(first, offset: 0, bytes: 10, .completed)).madeProgress)
        #expect(state.held == 0)
        #expect(state.heldBytes == 0)
        #expect(state.tracker.frontier == 2)
    }

    @Test func drainingTakesNothingAndTellsWhenItIsDone() throws {
        var state = PartitionState(startingAt: 0)
        let only = try #require(result(of: state.deliver(0, bytes: 1)))
        #expect(!result(of: state.drain()))
        #expect(result(of: state.deliver(1, bytes: 1)) == nil)
        #expect(result(of: state.end(only, offset: 0, bytes: 1, .completed)).isDrained)
        var empty = PartitionState(startingAt: 0)
        #expect(result(of: empty.drain()))
    }

    /// R3: what was cancelled, returned or abandoned is told apart, and holds the frontier (R1).
    @Test func ledgerBalancesAtTheEnd() throws {
        var state = PartitionState(startingAt: 0)
        let deliveries = try (0..<5).map { try #require(result(of: state.deliver(Int64($0), bytes: 1))) }
        _ = state.end(deliveries[0], offset: 0, bytes: 1, .completed)
        _ = state.drain()
        _ = state.end(deliveries[1], offset: 1, bytes: 1, .cancelled)
        _ = state.end(deliveries[2], offset: 2, bytes: 1, .returned)
        _ = state.end(deliveries[4], offset: 4, bytes: 1, .completed)
        #expect(result(of: state.close()) == [3])
        let ledger = state.ledger
        #expect(
            [ledger.delivered, ledger.completed, ledger.returned, ledger.cancelled, ledger.abandoned]
                == [5, 2, 1, 1, 1]
        )
        #expect(state.ledger.isBalanced)
        #expect(state.cancelledOffsets == [1])
        #expect(state.tracker.frontier == 1)
    }

    @Test func whatAnEarlierOwnerFinishedIsNotHandedOutAgain() throws {
        let map = CompletionMap(frontier: 10, ranges: [11..<13, 14..<15])
        var state = PartitionState(startingAt: 10, finished: map)
        let open = (10..<16).compactMap { offset in
            result(of: state.deliver(Int64(offset), bytes: 1)).map { (Int64(offset), $0) }
        }
        #expect(open.map(\.0) == [10, 13, 15])
        #expect(state.skipped == 3)
        #expect(state.held == 3)
        #expect(state.tracker.completionMap == map, "it stays remembered while 10 is open")
        for (offset, delivery) in open { _ = state.end(delivery, offset: offset, bytes: 1, .completed) }
        #expect(state.tracker.frontier == 16)
        _ = state.close()
        #expect(state.ledger.isBalanced)
    }

    /// What has not been read again yet stays remembered: this owner may end before it gets there.
    @Test func completionsFurtherOnAreHandedDown() throws {
        let map = CompletionMap(frontier: 10, ranges: [12..<14, 20..<30])
        var state = PartitionState(startingAt: 10, finished: map)
        #expect(state.completionMap == map)
        let first = try #require(result(of: state.deliver(10, bytes: 1)))
        _ = state.deliver(11, bytes: 1)
        _ = state.deliver(12, bytes: 1)
        #expect(state.completionMap == map)
        _ = state.end(first, offset: 10, bytes: 1, .completed)
        #expect(state.completionMap == CompletionMap(frontier: 11, ranges: [12..<14, 20..<30]))
    }

    /// R5: the end is usually reported while the last messages are in hand.
    @Test func endOfThePartitionIsReachedWithTheLastMessage() throws {
        var state = PartitionState(startingAt: 0)
        let only = try #require(result(of: state.deliver(0, bytes: 1)))
        #expect(!result(of: state.passOver(to: 7)).madeProgress)
        #expect(result(of: state.end(only, offset: 0, bytes: 1, .completed)).madeProgress)
        #expect(state.tracker.frontier == 7)
        #expect(result(of: state.passOver(to: 9)).madeProgress, "nothing is in hand")
        #expect(state.completionMap == CompletionMap(frontier: 9, ranges: []))
    }

    /// What was finished before and has been compacted away since says nothing any more.
    @Test func passingOverWhatAnEarlierOwnerFinished() throws {
        var state = PartitionState(
            startingAt: 10,
            finished: CompletionMap(frontier: 10, ranges: [12..<14, 18..<30])
        )
        #expect(result(of: state.passOver(to: 20)).madeProgress)
        #expect(state.completionMap == CompletionMap(frontier: 20, ranges: [20..<30]))
    }

    /// R3, R7: done, but told apart.
    @Test func deadLettersAreDoneAndCountedApart() throws {
        var state = PartitionState(startingAt: 0)
        let first = try #require(result(of: state.deliver(0, bytes: 1)))
        let second = try #require(result(of: state.deliver(1, bytes: 1)))
        #expect(result(of: state.end(second, offset: 1, bytes: 1, .deadLettered)).madeProgress)
        #expect(state.completionMap == CompletionMap(frontier: 0, ranges: [1..<2]))
        #expect(state.progressVersion == 1)
        #expect(!result(of: state.drain()))
        #expect(result(of: state.end(first, offset: 0, bytes: 1, .deadLettered)).isDrained)
        #expect(state.tracker.frontier == 2)
        #expect(state.ledger.deadLettered == 2 && state.ledger.completed == 0)
        #expect(result(of: state.close()).isEmpty)
        #expect(state.ledger.isBalanced)
    }

    @Test func mapOfALogThatWasResetIsForgotten() throws {
        let map = CompletionMap(frontier: 10, ranges: [11..<13])
        var state = PartitionState(startingAt: 10, finished: map)
        for offset in 0..<15 { #expect(result(of: state.deliver(Int64(offset), bytes: 1)) != nil) }
    }

    /// R8: a handler that ends after its partition was given back changes nothing.
    @Test func lateEndingsAreInert() throws {
        var state = PartitionState(startingAt: 0)
        let late = try #require(result(of: state.deliver(0, bytes: 1)))
        #expect(result(of: state.close()) == [0])
        #expect(result(of: state.close()).isEmpty)
        let effects = state.end(late, offset: 0, bytes: 1, .completed)
        #expect(!effects.madeProgress && !effects.isDrained)
        #expect(state.tracker.frontier == 0)
        #expect(!result(of: state.passOver(to: 9)).madeProgress)
        #expect(state.ledger.isBalanced)
    }

    @Test(arguments: SeededGenerator.freshSeeds(40))
    func ledgerAlwaysBalances(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var state = PartitionState(startingAt: 0)
        var open: [(Int64, OffsetTracker.Delivery)] = []
        var next: Int64 = 0
        for _ in 0..<200 {
            if Int.random(in: 0..<100, using: &random) == 0 { _ = state.drain() }
            if Bool.random(using: &random) {
                next += Int64.random(in: 1...3, using: &random)
                if let delivery = state.deliver(next, bytes: 1) { open.append((next, delivery)) }
            } else if let index = open.indices.randomElement(using: &random) {
                let (offset, delivery) = open.remove(at: index)
                let endings: [PartitionState.Ending] = [.completed, .deadLettered, .cancelled, .returned]
                let ending = state.phase == .active ? .completed : endings.randomElement(using: &random) ?? .completed
                _ = state.end(delivery, offset: offset, bytes: 1, ending)
            }
            try #require(state.held == open.count, "seed \(seed)")
        }
        let abandoned = state.close()
        try #require(abandoned == open.map(\.0).sorted(), "seed \(seed)")
        try #require(state.ledger.isBalanced, "seed \(seed)")
    }
}
