import Testing
import XKafkaCore
import XKafkaEngine
import XKafkaTestingInternal

/// What happens while partitions are being given back: stops, losses, and further rebalances.
@Suite struct RebalanceMachineOverlapTests {
    private let start = ContinuousClock.now
    private let a = TopicPartition(topic: "t", partition: 0)
    private let b = TopicPartition(topic: "t", partition: 1)
    private let c = TopicPartition(topic: "t", partition: 2)

    // MARK: Stop

    /// Everything stops at once and has one deadline; the group gets its answer first.
    @Test func stopDuringARevocationDrainsBeside() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        #expect(result(of: machine.revoked([a], lost: false, at: start)) == [.stopFeeding([a])])
        #expect(result(of: machine.stop(at: start + .seconds(1))) == [.stopFeeding([b])])
        #expect(result(of: machine.drained(b, at: start + .seconds(2))) == [], "the revocation commits first")
        #expect(machine.nextDeadline == start + .seconds(30))
        let first = machine.drained(a, at: start + .seconds(3))
        #expect(first == [.commit([a], try commitToken(first))])
        let second = machine.committed(try commitToken(first), at: start + .seconds(4))
        #expect(second == [.giveBack([a], lost: false), .commit([b], try commitToken(second))])
        #expect(try commitToken(second).startTime == start + .seconds(1))
        #expect(machine.owned == [b])
        #expect(result(of: machine.committed(try commitToken(first), at: start)) == [], "answered before (R8)")
        #expect(result(of: machine.committed(try commitToken(second), at: start + .seconds(5))) == [.leave])
    }

    @Test func bothRoundsHaveTheirOwnDeadline() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        _ = machine.revoked([a], lost: false, at: start)
        _ = machine.stop(at: start + .seconds(10))
        #expect(result(of: machine.timeReached(start + .seconds(30))) == [.cancelHandlers([a])])
        let first = machine.timeReached(start + .seconds(31))
        #expect(first == [.commit([a], try commitToken(first))])
        let second = machine.timeReached(start + .seconds(40))
        #expect(
            second == [.cancelHandlers([b]), .giveBack([a], lost: false)],
            "nobody answered the commit, and the stop does not wait for longer"
        )
        let third = machine.timeReached(start + .seconds(41))
        #expect(third == [.commit([b], try commitToken(third))])
        #expect(result(of: machine.timeReached(start + .seconds(46))) == [.leave])
        #expect(machine.nextDeadline == nil)
    }

    @Test func stopWhenEverythingIsBeingRevoked() throws {
        var machine = RebalanceMachine.owning([a], at: start)
        _ = machine.revoked([a], lost: false, at: start)
        #expect(result(of: machine.stop(at: start)) == [])
        let token = try commitToken(machine.drained(a, at: start))
        #expect(result(of: machine.committed(token, at: start)) == [.giveBack([a], lost: false), .leave])
    }

    /// A member that is stopping still answers the group, and takes nothing from what it gets.
    @Test func assignmentWhileStopping() throws {
        var machine = RebalanceMachine.owning([a], at: start)
        _ = machine.stop(at: start)
        #expect(result(of: machine.assigned([b], at: start)) == [.assign([b], feeding: false)])
        let token = try commitToken(machine.drained(a, at: start))
        #expect(result(of: machine.committed(token, at: start)) == [.leave])
        #expect(result(of: machine.revoked([a, b], lost: false, at: start)) == [.giveBack([a, b], lost: false)])
    }

    @Test func revocationWhileStoppingIsAnsweredWhenEverythingIsCommitted() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        _ = machine.stop(at: start)
        #expect(result(of: machine.revoked([b], lost: false, at: start)) == [])
        _ = machine.drained(a, at: start)
        let token = try commitToken(machine.drained(b, at: start))
        #expect(result(of: machine.committed(token, at: start)) == [.leave, .giveBack([b], lost: false)])
    }

    @Test func everythingLostWhileStopping() {
        var machine = RebalanceMachine.owning([a, b], at: start)
        _ = machine.stop(at: start)
        #expect(
            result(of: machine.revoked([a, b], lost: true, at: start)) == [
                .stopFeeding([a, b]), .cancelHandlers([a, b]), .giveBack([a, b], lost: true), .leave,
            ]
        )
        #expect(machine.nextDeadline == nil)
    }

    // MARK: Lost

    /// What the lost partitions leave behind is still committed.
    @Test func lostWhileCommittingLeavesTheOthersCommit() throws {
        var machine = RebalanceMachine.owning([a, b, c], at: start)
        _ = machine.revoked([a, b], lost: false, at: start)
        _ = machine.drained(a, at: start)
        let token = try commitToken(machine.drained(b, at: start))
        let deadline = machine.nextDeadline
        #expect(
            result(of: machine.revoked([a], lost: true, at: start + .seconds(1))) == [
                .stopFeeding([a]), .cancelHandlers([a]), .giveBack([a], lost: true), .commit([b], token),
            ]
        )
        #expect(machine.nextDeadline == deadline, "no more time for it than before")
        #expect(
            result(of: machine.revoked([c], lost: true, at: start + .seconds(1))).last == .commit([b], token)
        )
        #expect(result(of: machine.committed(token, at: start)) == [.giveBack([b], lost: false)])
        #expect(machine.owned.isEmpty)
    }

    @Test func allLostWhileCommittingOrNotifying() throws {
        for isNotifying in [false, true] {
            var machine = RebalanceMachine.owning([a], notifiesRevoked: true, at: start)
            _ = machine.revoked([a], lost: false, at: start)
            let token = try commitToken(machine.drained(a, at: start))
            if isNotifying { _ = machine.committed(token, at: start) }
            let actions = machine.revoked([a], lost: true, at: start)
            #expect(actions.suffix(2) == [.giveBack([a], lost: true), .giveBack([], lost: false)])
            #expect(machine.isSteady)
            #expect(result(of: machine.committed(token, at: start)) == [])
            #expect(result(of: machine.notified(token, at: start)) == [])
        }
    }

    /// The assignment that waited is over before it began.
    @Test func lostBeforeItWasTakenUp() throws {
        var machine = RebalanceMachine.owning([a], at: start)
        _ = machine.revoked([a], lost: false, at: start)
        _ = machine.assigned([b, c], at: start)
        _ = machine.revoked([b], lost: true, at: start)
        let token = try commitToken(machine.drained(a, at: start))
        #expect(
            result(of: machine.committed(token, at: start)) == [
                .giveBack([a], lost: false), .assign([c], feeding: true),
            ]
        )
        #expect(machine.owned == [c])
    }

    // MARK: Further revocations

    /// The cooperative protocol: the others are not touched.
    @Test func incrementalRevocationLeavesTheOthersAlone() throws {
        var machine = RebalanceMachine.owning([a, b, c], at: start)
        #expect(result(of: machine.revoked([b], lost: false, at: start)) == [.stopFeeding([b])])
        #expect(result(of: machine.timeReached(start + .seconds(30))) == [.cancelHandlers([b])])
        let actions = machine.drained(b, at: start + .seconds(30))
        #expect(actions == [.commit([b], try commitToken(actions))])
        #expect(result(of: machine.committed(try commitToken(actions), at: start)) == [.giveBack([b], lost: false)])
        #expect(machine.owned == [a, c])
        #expect(machine.isSteady)
    }

    @Test func revocationsDrainSideBySideAndAreAnsweredInOrder() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        _ = machine.revoked([a], lost: false, at: start)
        #expect(result(of: machine.revoked([a, b], lost: false, at: start)) == [.stopFeeding([b])])
        #expect(result(of: machine.drained(b, at: start)) == [])
        let first = try commitToken(machine.drained(a, at: start))
        let actions = machine.committed(first, at: start)
        #expect(actions == [.giveBack([a], lost: false), .commit([b], try commitToken(actions))])
        #expect(result(of: machine.committed(try commitToken(actions), at: start)) == [.giveBack([b], lost: false)])
    }

    @Test func emptyRevocationIsAnsweredAtOnce() {
        var machine = RebalanceMachine.owning([a], at: start)
        #expect(result(of: machine.revoked([], lost: false, at: start)) == [.giveBack([], lost: false)])
        #expect(machine.owned == [a])
    }

    // MARK: Notifying

    @Test func userIsToldBeforePartitionsAreGivenBack() throws {
        var machine = RebalanceMachine.owning([a, b], notifiesRevoked: true, at: start)
        _ = machine.revoked([a], lost: false, at: start)
        let token = try commitToken(machine.drained(a, at: start + .seconds(10)))
        #expect(
            result(of: machine.committed(token, at: start + .seconds(11))) == [.notifyRevoked([a], token)]
        )
        #expect(machine.nextDeadline == start + .seconds(30), "what is left of the drain deadline")
        #expect(result(of: machine.committed(token, at: start + .seconds(11))) == [], "only once")
        #expect(
            result(of: machine.notified(token, at: start + .seconds(12))) == [.giveBack([a], lost: false)]
        )
        #expect(result(of: machine.notified(token, at: start + .seconds(12))) == [])
    }

    /// R10: the user's callback cannot keep a partition either.
    @Test func callbackThatDoesNotEndIsNotWaitedFor() throws {
        var machine = RebalanceMachine.owning([a], notifiesRevoked: true, at: start)
        _ = machine.stop(at: start)
        _ = machine.timeReached(start + .seconds(30))
        let token = try commitToken(machine.timeReached(start + .seconds(31)))
        #expect(
            result(of: machine.timeReached(start + .seconds(36))) == [.notifyRevoked([a], token)],
            "told, although the commit was given up"
        )
        #expect(machine.nextDeadline == start + .seconds(37))
        #expect(result(of: machine.timeReached(start + .seconds(37))) == [.leave])
        #expect(result(of: machine.notified(token, at: start + .seconds(38))) == [])
        #expect(result(of: machine.revoked([a], lost: false, at: start)) == [.giveBack([a], lost: false)])
    }
}
