import Testing
import XKafkaCore
import XKafkaEngine
import XKafkaTestingInternal

@Suite struct RebalanceMachineTests {
    private typealias Action = RebalanceMachine.Action

    private let limits = RebalanceMachine.Limits(
        drain: .seconds(30),
        cancellationGrace: .seconds(1),
        commit: .seconds(5)
    )
    private let start = ContinuousClock.now
    private let a = TopicPartition(topic: "t", partition: 0)
    private let b = TopicPartition(topic: "t", partition: 1)

    private func machine(owning partitions: [TopicPartition]) -> RebalanceMachine {
        var machine = RebalanceMachine(limits: limits)
        _ = machine.assigned(partitions, at: start)
        return machine
    }

    private func token(_ actions: [Action]) throws -> RebalanceMachine.Token {
        let tokens = actions.compactMap { if case .commit(_, let token) = $0 { token } else { nil } }
        return try #require(tokens.first, "a commit among \(actions)")
    }

    @Test func gracefulRevocation() throws {
        var machine = RebalanceMachine(limits: limits)
        #expect(result(of: machine.assigned([a, b], at: start)) == [.assign([a, b], feeding: true)])
        #expect(result(of: machine.revoked([a, b], lost: false, at: start)) == [.stopFeeding([a, b])])
        #expect(!machine.isSteady)
        #expect(machine.nextDeadline == start + .seconds(30))
        #expect(result(of: machine.drained(b, at: start)) == [])
        let actions = machine.drained(a, at: start + .seconds(2))
        let token = try token(actions)
        #expect(actions == [.commit([a, b], token)])
        #expect(machine.nextDeadline == start + .seconds(7))
        #expect(result(of: machine.committed(token, at: start)) == [.giveBack([a, b], lost: false)])
        #expect(machine.owned.isEmpty)
        #expect(machine.isSteady)
        #expect(machine.nextDeadline == nil)
    }

    /// R10: neither a handler nor a broker can keep a partition.
    @Test func everyStepHasAnEnd() throws {
        var machine = machine(owning: [a, b])
        _ = machine.revoked([a, b], lost: false, at: start)
        _ = machine.drained(a, at: start)
        #expect(result(of: machine.timeReached(start + .seconds(29))) == [])
        #expect(result(of: machine.timeReached(start + .seconds(30))) == [.cancelHandlers([b])])
        #expect(result(of: machine.timeReached(start + .seconds(30))) == [])
        let committing = machine.timeReached(start + .seconds(31))
        let token = try token(committing)
        #expect(committing == [.commit([a, b], token)], "what is finished is committed all the same")
        #expect(result(of: machine.drained(b, at: start + .seconds(32))) == [], "too late to matter")
        #expect(result(of: machine.timeReached(start + .seconds(36))) == [.giveBack([a, b], lost: false)])
        #expect(result(of: machine.committed(token, at: start + .seconds(37))) == [], "a late answer is inert (R8)")
    }

    @Test func lostPartitionsAreNeitherWaitedForNorCommitted() {
        var machine = machine(owning: [a, b])
        #expect(
            result(of: machine.revoked([a, b], lost: true, at: start))
                == [.stopFeeding([a, b]), .cancelHandlers([a, b]), .giveBack([a, b], lost: true)]
        )
        #expect(machine.owned.isEmpty)
        #expect(machine.isSteady)
    }

    @Test func lostWhileDraining() throws {
        var machine = machine(owning: [a, b])
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
        var machine = machine(owning: [a, b])
        _ = machine.revoked([a, b], lost: false, at: start)
        _ = machine.drained(b, at: start)
        let actions = machine.revoked([a], lost: true, at: start)
        let token = try token(actions)
        #expect(actions.last == .commit([b], token))
        #expect(result(of: machine.committed(token, at: start)) == [.giveBack([b], lost: false)])
    }

    @Test func assignmentDuringARevocationWaits() throws {
        var machine = machine(owning: [a])
        _ = machine.revoked([a], lost: false, at: start)
        #expect(result(of: machine.assigned([b], at: start)) == [])
        let token = try token(machine.drained(a, at: start))
        #expect(
            result(of: machine.committed(token, at: start)) == [
                .giveBack([a], lost: false), .assign([b], feeding: true),
            ]
        )
        #expect(machine.owned == [b])
    }

    @Test func stoppingDrainsCommitsAndLeaves() throws {
        var machine = machine(owning: [a, b])
        #expect(result(of: machine.stop(at: start)) == [.stopFeeding([a, b])])
        #expect(result(of: machine.stop(at: start)) == [], "once is enough")
        _ = machine.drained(a, at: start)
        let token = try token(machine.drained(b, at: start))
        #expect(result(of: machine.committed(token, at: start)) == [.leave])
        // Leaving makes librdkafka revoke everything; that was drained and committed already.
        #expect(result(of: machine.revoked([a, b], lost: false, at: start)) == [.giveBack([a, b], lost: false)])
        #expect(machine.owned.isEmpty)
    }

    @Test func stoppingWithoutPartitionsLeavesAtOnce() throws {
        var machine = RebalanceMachine(limits: limits)
        let actions = machine.stop(at: start)
        let token = try token(actions)
        #expect(actions == [.stopFeeding([]), .commit([], token)])
        #expect(result(of: machine.committed(token, at: start)) == [.leave])
        #expect(
            result(of: machine.assigned([a], at: start)) == [.assign([a], feeding: false)],
            "nothing is taken any more"
        )
    }

    @Test func stopDuringARevocationWaitsForIt() throws {
        var machine = machine(owning: [a, b])
        _ = machine.revoked([a], lost: false, at: start)
        #expect(result(of: machine.stop(at: start)) == [])
        let token = try token(machine.drained(a, at: start))
        #expect(
            result(of: machine.committed(token, at: start)) == [.giveBack([a], lost: false), .stopFeeding([b])]
        )
        #expect(!machine.isSteady)
    }

    /// Random reports and answers: every revocation is answered, nothing is done for partitions that
    /// are not owned, and once time passes everything ends.
    @Test(arguments: SeededGenerator.freshSeeds(60))
    func alwaysEnds(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var machine = RebalanceMachine(limits: limits)
        let all = (0..<4).map { TopicPartition(topic: "t", partition: $0) }
        var now = start
        var owed = 0
        var assigned: Set<TopicPartition> = []
        var tokens: [RebalanceMachine.Token] = []
        var hasLeft = false

        func perform(_ actions: [Action]) throws {
            for action in actions {
                switch action {
                case .assign(let partitions, _): assigned.formUnion(partitions)
                case .giveBack(let partitions, let lost):
                    try #require(assigned.isSuperset(of: partitions), "seed \(seed)")
                    assigned.subtract(partitions)
                    if !lost { owed -= 1 }
                case .commit(_, let token): tokens.append(token)
                case .leave: hasLeft = true
                case .stopFeeding(let partitions), .cancelHandlers(let partitions):
                    try #require(assigned.isSuperset(of: partitions), "seed \(seed)")
                }
            }
        }
        for _ in 0..<60 {
            now += .milliseconds(Int.random(in: 0...400, using: &random))
            switch Int.random(in: 0..<12, using: &random) {
            case 0...2 where owed == 0:
                let free = all.filter { !assigned.contains($0) }
                try perform(machine.assigned(free, at: now))
            case 3...4 where owed == 0 && !assigned.isEmpty:
                owed += 1
                try perform(machine.revoked(assigned.sorted(), lost: false, at: now))
            case 5 where owed == 0 && !assigned.isEmpty && machine.isSteady:
                try perform(machine.revoked(assigned.sorted(), lost: true, at: now))
            case 6...8:
                for partition in assigned.sorted() { try perform(machine.drained(partition, at: now)) }
            case 9...10:
                for token in tokens { try perform(machine.committed(token, at: now)) }
            case 11 where Int.random(in: 0..<20, using: &random) == 0:
                try perform(machine.stop(at: now))
            default: try perform(machine.timeReached(now))
            }
        }
        try perform(machine.stop(at: now))
        for _ in 0..<12 {
            now += .seconds(60)
            try perform(machine.timeReached(now))
        }
        try #require(machine.nextDeadline == nil, "seed \(seed)")
        try #require(owed == 0, "seed \(seed): every revocation is answered")
        try #require(hasLeft, "seed \(seed)")
    }
}
