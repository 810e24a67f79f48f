import Testing
import XKafkaCore
import XKafkaEngine
import XKafkaTestingInternal

@Suite struct RebalanceMachineTests {
    private let start = ContinuousClock.now
    private let a = TopicPartition(topic: "t", partition: 0)
    private let b = TopicPartition(topic: "t", partition: 1)

    @Test func gracefulRevocation() throws {
        var machine = RebalanceMachine(limits: .testing)
        #expect(result(of: machine.assigned([a, b], at: start)) == [.assign([a, b], feeding: true)])
        #expect(result(of: machine.revoked([a, b], lost: false, at: start)) == [.stopFeeding([a, b])])
        #expect(!machine.isSteady)
        #expect(machine.nextDeadline == start + .seconds(30))
        #expect(result(of: machine.drained(b, at: start)) == [])
        let actions = machine.drained(a, at: start + .seconds(2))
        let token = try commitToken(actions)
        #expect(actions == [.commit([a, b], token)])
        #expect(machine.nextDeadline == start + .seconds(7))
        #expect(result(of: machine.committed(token, at: start)) == [.giveBack([a, b], lost: false)])
        #expect(machine.owned.isEmpty)
        #expect(machine.isSteady)
        #expect(machine.nextDeadline == nil)
    }

    /// R10: neither a handler nor a broker can keep a partition.
    @Test func everyStepHasAnEnd() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        _ = machine.revoked([a, b], lost: false, at: start)
        _ = machine.drained(a, at: start)
        #expect(result(of: machine.timeReached(start + .seconds(29))) == [])
        #expect(result(of: machine.timeReached(start + .seconds(30))) == [.cancelHandlers([b])])
        #expect(result(of: machine.timeReached(start + .seconds(30))) == [])
        let committing = machine.timeReached(start + .seconds(31))
        let token = try commitToken(committing)
        #expect(committing == [.commit([a, b], token)], "what is finished is committed all the same")
        #expect(result(of: machine.drained(b, at: start + .seconds(32))) == [], "too late to matter")
        #expect(result(of: machine.timeReached(start + .seconds(36))) == [.giveBack([a, b], lost: false)])
        #expect(result(of: machine.committed(token, at: start + .seconds(37))) == [], "a late answer is inert (R8)")
    }

    @Test func lostPartitionsAreNeitherWaitedForNorCommitted() {
        var machine = RebalanceMachine.owning([a, b], at: start)
        #expect(
            result(of: machine.revoked([a, b], lost: true, at: start))
                == [.stopFeeding([a, b]), .cancelHandlers([a, b]), .giveBack([a, b], lost: true)]
        )
        #expect(machine.owned.isEmpty)
        #expect(machine.isSteady)
    }

    @Test func lostWhileDraining() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        _ = machine.revoked([a, b], lost: false, at: start)
        let actions = machine.revoked([a, b], lost: true, at: start)
        #expect(
            actions == [
                .stopFeeding([a, b]), .cancelHandlers([a, b]), .giveBack([a, b], lost: true),
                // The first revocation is still owed an answer.
                .giveBack([], lost: false),
            ]
        )
        #expect(machine.isSteady)
    }

    @Test func partlyLostWhileDrainingGoesOnWithTheRest() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        _ = machine.revoked([a, b], lost: false, at: start)
        _ = machine.drained(b, at: start)
        let actions = machine.revoked([a], lost: true, at: start)
        let token = try commitToken(actions)
        #expect(actions.last == .commit([b], token))
        #expect(result(of: machine.committed(token, at: start)) == [.giveBack([b], lost: false)])
    }

    @Test func assignmentDuringARevocationWaits() throws {
        var machine = RebalanceMachine.owning([a], at: start)
        _ = machine.revoked([a], lost: false, at: start)
        #expect(result(of: machine.assigned([b], at: start)) == [])
        let token = try commitToken(machine.drained(a, at: start))
        #expect(
            result(of: machine.committed(token, at: start)) == [
                .giveBack([a], lost: false), .assign([b], feeding: true),
            ]
        )
        #expect(machine.owned == [b])
    }

    @Test func stoppingDrainsCommitsAndLeaves() throws {
        var machine = RebalanceMachine.owning([a, b], at: start)
        #expect(result(of: machine.stop(at: start)) == [.stopFeeding([a, b])])
        #expect(result(of: machine.stop(at: start)) == [], "once is enough")
        _ = machine.drained(a, at: start)
        let token = try commitToken(machine.drained(b, at: start))
        #expect(result(of: machine.committed(token, at: start)) == [.leave])
        // Leaving makes librdkafka revoke everything; that was drained and committed already.
        #expect(result(of: machine.revoked([a, b], lost: false, at: start)) == [.giveBack([a, b], lost: false)])
        #expect(machine.owned.isEmpty)
    }

    @Test func stoppingWithoutPartitionsLeavesAtOnce() {
        var machine = RebalanceMachine(limits: .testing)
        #expect(result(of: machine.stop(at: start)) == [.leave])
        #expect(
            result(of: machine.assigned([a], at: start)) == [.assign([a], feeding: false)],
            "nothing is taken any more"
        )
    }
}
