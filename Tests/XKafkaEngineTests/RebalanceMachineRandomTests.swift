import Testing
import XKafkaCore
import XKafkaEngine
import XKafkaTestingInternal

/// Random reports and answers, in every stage: every report is answered, nothing is done for
/// partitions that are not owned, and once time passes everything ends.
@Suite struct RebalanceMachineRandomTests {
    /// What a shell would know, kept beside the machine.
    private struct Shell {
        let seed: UInt64
        var machine: RebalanceMachine
        var now = ContinuousClock.now
        /// Revocations and assignments without an answer.
        var owedRevocations = 0
        var owedAssignments = 0
        var assigned: Set<TopicPartition> = []
        var feeding: Set<TopicPartition> = []
        var committing: [(partitions: [TopicPartition], token: RebalanceMachine.Token)] = []
        var notifying: [RebalanceMachine.Token] = []
        var hasLeft = false
        var stopTime: ContinuousClock.Instant?

        init(seed: UInt64, notifiesRevoked: Bool) {
            self.seed = seed
            machine = RebalanceMachine(limits: .testing, notifiesRevoked: notifiesRevoked)
        }

        mutating func perform(_ actions: [RebalanceMachine.Action]) throws {
            for action in actions {
                switch action {
                case .assign(let partitions, let feeds):
                    owedAssignments -= 1
                    try #require(assigned.isDisjoint(with: partitions), "seed \(seed)")
                    assigned.formUnion(partitions)
                    if feeds { feeding.formUnion(partitions) }
                    try #require(!feeds || stopTime == nil, "seed \(seed)")
                case .stopFeeding(let partitions): feeding.subtract(partitions)
                case .cancelHandlers(let partitions):
                    try #require(feeding.isDisjoint(with: partitions), "seed \(seed)")
                case .commit(let partitions, let token):
                    try #require(assigned.isSuperset(of: partitions), "seed \(seed)")
                    try #require(!partitions.isEmpty && feeding.isDisjoint(with: partitions), "seed \(seed)")
                    committing.append((partitions, token))
                case .notifyRevoked(let partitions, let token):
                    try #require(assigned.isSuperset(of: partitions) && !partitions.isEmpty, "seed \(seed)")
                    notifying.append(token)
                case .giveBack(let partitions, let lost):
                    try #require(lost || assigned.isSuperset(of: partitions), "seed \(seed)")
                    try #require(feeding.isDisjoint(with: partitions), "seed \(seed)")
                    assigned.subtract(partitions)
                    if !lost { owedRevocations -= 1 }
                case .leave:
                    try #require(!hasLeft, "seed \(seed)")
                    hasLeft = true
                }
            }
            try #require(machine.owned == assigned, "seed \(seed)")
            try #require(stopTime == nil || feeding.isEmpty, "seed \(seed): a stop stops everything at once")
        }

        /// Lets time pass, deadline by deadline.
        mutating func pass(_ duration: Duration) throws {
            let end = now + duration
            while let deadline = machine.nextDeadline, deadline <= end {
                now = deadline
                try perform(machine.timeReached(now))
            }
            now = end
        }

        mutating func stop() throws {
            stopTime = stopTime ?? now
            try perform(machine.stop(at: now))
        }
    }

    @Test(arguments: SeededGenerator.freshSeeds(200))
    func alwaysEnds(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var shell = Shell(seed: seed, notifiesRevoked: Bool.random(using: &random))
        let all = (0..<4).map { TopicPartition(topic: "t", partition: $0) }
        // librdkafka waits for an answer before it goes on; the machine need not rely on that.
        let overlaps = Int.random(in: 0..<4, using: &random) == 0
        for _ in 0..<80 {
            try shell.pass(.milliseconds(Int.random(in: 0...4_000, using: &random)))
            let mayReport = overlaps || shell.owedRevocations == 0 && shell.owedAssignments == 0
            let some = all.filter { _ in Bool.random(using: &random) }
            switch Int.random(in: 0..<14, using: &random) {
            case 0...2 where mayReport && shell.owedAssignments == 0:
                shell.owedAssignments += 1
                try shell.perform(shell.machine.assigned(some.filter { !shell.assigned.contains($0) }, at: shell.now))
            case 3...4 where mayReport:
                shell.owedRevocations += 1
                let mine = shell.machine.owned.intersection(some).sorted()
                try shell.perform(shell.machine.revoked(mine, lost: false, at: shell.now))
            case 5 where Bool.random(using: &random):
                let mine = shell.machine.owned.intersection(some).sorted()
                try shell.perform(shell.machine.revoked(mine, lost: true, at: shell.now))
            case 6...8:
                for partition in some { try shell.perform(shell.machine.drained(partition, at: shell.now)) }
            case 9...10:
                for (_, token) in shell.committing {
                    try shell.perform(shell.machine.committed(token, at: shell.now))
                }
            case 11:
                for token in shell.notifying { try shell.perform(shell.machine.notified(token, at: shell.now)) }
            case 12 where Int.random(in: 0..<20, using: &random) == 0: try shell.stop()
            default: try shell.pass(.seconds(5))
            }
        }
        try shell.stop()
        // An earlier revocation may take its commit's time and its callback's before the stop's.
        let stopTime = try #require(shell.stopTime)
        let limit = stopTime + .seconds(30 + 1 + 2 * (5 + 1))
        if overlaps {
            try shell.pass(.seconds(3_600))
        } else {
            try shell.pass(max(.zero, shell.now.duration(to: limit)))
        }
        try #require(shell.owedRevocations == 0 && shell.owedAssignments == 0, "seed \(seed): all are answered")
        try #require(shell.hasLeft, "seed \(seed)")
    }
}
