import Testing
import XKafkaEngine
import XKafkaTestingInternal

@Suite struct LaneMachineTests {
    private typealias Machine = LaneMachine

    private func started(_ submission: Machine.Submission) throws -> LaneTicket {
        guard case .started(let ticket) = submission else {
            throw Broken(what: "\(submission) instead of a start")
        }
        return ticket
    }

    private func queued(_ submission: Machine.Submission) throws -> LaneTicket {
        guard case .queued(let ticket) = submission else {
            throw Broken(what: "\(submission) instead of a wait")
        }
        return ticket
    }

    @Test func messagesArePipelined() throws {
        var machine = Machine(lanes: 1, maxInFlight: .max, isSerial: false)
        var effects = Machine.Effects()
        let first = try started(machine.submit(Numbered(1), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: false))
        let second = try started(machine.submit(Numbered(2), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: false))
        machine.delivered(Numbered(1), first, partition: 0, &effects)
        machine.delivered(Numbered(2), second, partition: 0, &effects)
        #expect(effects.finishedNumbers == [1, 2])
        #expect(machine.isIdle)
    }

    /// What is on its way through handlers holds back its key, and no other.
    @Test func handlersRunOneAfterTheOtherUntilTheySend() throws {
        var machine = Machine(lanes: 1, maxInFlight: .max, isSerial: false)
        var effects = Machine.Effects()
        let first = try started(machine.submit(Numbered(1), lane: 0, domain: 7, isSentAtOnce: false, mayQueue: false))
        if case .mustWait = machine.submit(Numbered(2), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: false) {
        } else {
            Issue.record("the second has to wait")
        }
        let second = try queued(machine.submit(Numbered(2), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: true))
        _ = try started(machine.submit(Numbered(3), lane: 0, domain: 8, isSentAtOnce: false, mayQueue: false))
        machine.sent(first, &effects)
        #expect(effects.turnNumbers == [2])
        machine.sent(second, &effects)
        machine.delivered(Numbered(2), second, partition: 0, &effects)
        #expect(effects.finishedNumbers == [2], "not serial: the first may still be busy")
    }

    /// A failed message waits for those behind it, which are sent again after it.
    @Test func whatFailedIsSentAgainInItsOrder() throws {
        var machine = Machine(lanes: 1, maxInFlight: .max, isSerial: false)
        var effects = Machine.Effects()
        let tickets = try (1...3).map {
            try started(machine.submit(Numbered($0), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: false))
        }
        machine.deliveryFailed(tickets[0], &effects)
        let fourth = try queued(machine.submit(Numbered(4), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: true))
        machine.deliveryFailed(tickets[1], &effects)
        machine.retry(Numbered(2), tickets[1], &effects)
        machine.retry(Numbered(1), tickets[0], &effects)
        #expect(effects.turnNumbers == [], "the third is still under way")
        machine.deliveryFailed(tickets[2], &effects)
        #expect(effects.turnNumbers == [])
        machine.retry(Numbered(3), tickets[2], &effects)
        #expect(effects.turnNumbers == [1])
        machine.sent(tickets[0], &effects)
        machine.sent(tickets[1], &effects)
        #expect(effects.turnNumbers == [1, 2, 3], "none of those in flight is behind it")
        machine.delivered(Numbered(1), tickets[0], partition: 0, &effects)
        machine.delivered(Numbered(2), tickets[1], partition: 0, &effects)
        machine.delivered(Numbered(3), tickets[2], partition: 0, &effects)
        #expect(effects.turnNumbers == [1, 2, 3, 4])
        machine.delivered(Numbered(4), fourth, partition: 0, &effects)
        #expect(effects.finishedNumbers == [1, 2, 3, 4])
        #expect(machine.isIdle)
    }

    /// A handler that does not wait for the report of its attempt, and fails: the report decides nothing any more.
    @Test func reportOfAnAttemptThatNobodyWaitsForHoldsNothingUp() throws {
        var machine = Machine(lanes: 1, maxInFlight: .max, isSerial: false)
        var effects = Machine.Effects()
        let first = try started(machine.submit(Numbered(1), lane: 0, domain: 7, isSentAtOnce: false, mayQueue: false))
        machine.sent(first, &effects)
        machine.retry(Numbered(1), first, &effects)
        #expect(effects.turnNumbers == [], "its attempt is still under way")
        machine.deliveryFailed(first, &effects)
        #expect(effects.turnNumbers == [1])
        machine.sent(first, &effects)
        machine.delivered(Numbered(1), first, partition: 0, &effects)
        #expect(effects.finishedNumbers == [1])
        #expect(machine.isIdle)
    }

    /// A message that was told to have failed before its report came may be in the log all the same.
    @Test func lateAcknowledgementsOvertakeToo() throws {
        for isAcknowledged in [false, true] {
            var machine = Machine(lanes: 1, maxInFlight: .max, isSerial: false)
            var effects = Machine.Effects()
            let first = try started(
                machine.submit(Numbered(1), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: false)
            )
            let second = try started(
                machine.submit(Numbered(2), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: false)
            )
            machine.deliveryFailed(first, &effects)
            machine.retry(Numbered(1), first, &effects)
            machine.end(Numbered(2), second, &effects)
            #expect(effects.turnNumbers == [], "the second is still under way")
            machine.reportedLate(second, acknowledgedIn: isAcknowledged ? 0 : nil, &effects)
            #expect(effects.turnNumbers == [1])
            #expect(machine.isOvertaken(first, partition: 0) == isAcknowledged)
        }
    }

    /// A handler that left may have its message reported when another key has the place of its own.
    @Test func lateReportsDoNotCountForAnotherKey() throws {
        var machine = Machine(lanes: 1, maxInFlight: .max, isSerial: false)
        var effects = Machine.Effects()
        let left = try started(machine.submit(Numbered(1), lane: 0, domain: 7, isSentAtOnce: false, mayQueue: false))
        machine.end(Numbered(1), left, &effects)
        let second = try started(machine.submit(Numbered(2), lane: 0, domain: 8, isSentAtOnce: true, mayQueue: false))
        let third = try started(machine.submit(Numbered(3), lane: 0, domain: 8, isSentAtOnce: true, mayQueue: false))
        #expect(second.slot == left.slot)
        machine.reportedLate(left, acknowledgedIn: nil, &effects)
        machine.deliveryFailed(second, &effects)
        machine.retry(Numbered(2), second, &effects)
        #expect(effects.turnNumbers == [], "the third is under way")
        machine.deliveryFailed(third, &effects)
        machine.retry(Numbered(3), third, &effects)
        #expect(effects.turnNumbers == [2])
    }

    @Test func oneThatWasOvertakenIsKnown() throws {
        for isSerial in [false, true] {
            var machine = Machine(lanes: 1, maxInFlight: .max, isSerial: isSerial)
            var effects = Machine.Effects()
            let first = try started(
                machine.submit(Numbered(1), lane: 0, domain: 0, isSentAtOnce: true, mayQueue: false)
            )
            let second = try started(
                machine.submit(Numbered(2), lane: 0, domain: 0, isSentAtOnce: true, mayQueue: false)
            )
            machine.deliveryFailed(first, &effects)
            #expect(!machine.isOvertaken(first, partition: 4))
            machine.delivered(Numbered(2), second, partition: 5, &effects)
            #expect(machine.isOvertaken(first, partition: 4) == !isSerial)
            #expect(machine.isOvertaken(first, partition: 5))
            #expect(machine.isOvertaken(first, partition: nil))
            #expect(effects.finishedNumbers == (isSerial ? [] : [2]), "serial: results in the order of calls")
            machine.end(Numbered(1), first, &effects)
            #expect(effects.finishedNumbers == (isSerial ? [1, 2] : [2, 1]))
            #expect(machine.isIdle)
        }
    }

    @Test func oneAtATime() throws {
        var machine = Machine(lanes: 2, maxInFlight: 1, isSerial: false)
        var effects = Machine.Effects()
        let first = try started(machine.submit(Numbered(1), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: false))
        let others = try [
            queued(machine.submit(Numbered(2), lane: 0, domain: 8, isSentAtOnce: true, mayQueue: true)),
            queued(machine.submit(Numbered(3), lane: 0, domain: nil, isSentAtOnce: true, mayQueue: true)),
            queued(machine.submit(Numbered(4), lane: 0, domain: 7, isSentAtOnce: true, mayQueue: true)),
        ]
        _ = try started(machine.submit(Numbered(5), lane: 1, domain: 9, isSentAtOnce: true, mayQueue: false))
        machine.delivered(Numbered(1), first, partition: 0, &effects)
        #expect(effects.turnNumbers == [2])
        machine.delivered(Numbered(2), others[0], partition: 0, &effects)
        #expect(effects.turnNumbers == [2, 3])
        machine.delivered(Numbered(3), others[1], partition: 0, &effects)
        #expect(effects.turnNumbers == [2, 3, 4])
    }

    @Test func abortingGivesEverythingItsTurn() throws {
        var machine = Machine(lanes: 1, maxInFlight: 2, isSerial: true)
        var effects = Machine.Effects()
        let first = try started(machine.submit(Numbered(1), lane: 0, domain: 0, isSentAtOnce: true, mayQueue: false))
        let second = try started(machine.submit(Numbered(2), lane: 0, domain: 0, isSentAtOnce: true, mayQueue: false))
        let third = try queued(machine.submit(Numbered(3), lane: 0, domain: 0, isSentAtOnce: true, mayQueue: true))
        machine.deliveryFailed(first, &effects)
        machine.retry(Numbered(1), first, &effects)
        machine.abort(&effects)
        #expect(Set(effects.turnNumbers) == [1, 3])
        machine.end(Numbered(3), third, &effects)
        machine.end(Numbered(1), first, &effects)
        machine.deliveryFailed(second, &effects)
        machine.end(Numbered(2), second, &effects)
        #expect(effects.finishedNumbers == [1, 2, 3])
        #expect(machine.isIdle)
    }

    @Test func flushCounter() {
        var counter = FlushCounter()
        #expect(result(of: counter.mark()) == nil)
        let first = counter.begin()
        let mark = result(of: counter.mark())
        let second = counter.begin()
        #expect(mark.map { counter.isReached($0) } == false)
        #expect(!result(of: counter.end(second)))
        #expect(result(of: counter.mark()) == mark, "nothing came since")
        #expect(result(of: counter.end(first)))
        #expect(mark.map { counter.isReached($0) } == true)
        #expect(result(of: counter.mark()) == nil)
    }

    @Test func flushCounterCountsSeveralTogether() {
        var counter = FlushCounter()
        let several = counter.begin(3)
        let mark = result(of: counter.mark())
        #expect(!result(of: counter.end(several, 2)))
        #expect(mark.map { counter.isReached($0) } == false)
        #expect(result(of: counter.end(several)))
        #expect(mark.map { counter.isReached($0) } == true)
    }
}

/// A rule does not hold.
struct Broken: Error, CustomStringConvertible {
    let what: String
    var description: String { what }
}

/// A message that is known by its number.
final class Numbered: Sendable {
    let number: Int
    init(_ number: Int) { self.number = number }
}

extension LaneMachine.Effects {
    var turnNumbers: [Int] { turns.compactMap { ($0 as? Numbered)?.number } }
    var finishedNumbers: [Int] { finished.compactMap { ($0 as? Numbered)?.number } }
}
