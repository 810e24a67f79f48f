import XKafkaOffsets

/// The end of a schedule: nothing fails any more, so everything has to come to its end (R4, R10).
extension Simulation {
    private static let roundLimit = 600

    func settle() throws(SimulationViolation) {
        world.tell("from here on nothing fails")
        world.isSettling = true
        expireCrashed()
        try stopRequested()
        var rounds = 0
        while !isEverythingDone || !hasRebalanced {
            rounds += 1
            restartAll()
            try require(rounds < Self.roundLimit, .progress, "after \(rounds) rounds: \(whatIsMissing)")
            try turn()
        }
        for slot in members.indices { members[slot]?.isStopRequested = true }
        try stopRequested()
        rounds = 0
        while members.contains(where: { $0.map { !$0.hasEnded } ?? false }) {
            rounds += 1
            try require(rounds < Self.roundLimit, .everythingEnds, "not every member has left after \(rounds) rounds")
            try turn()
        }
    }

    private func stopRequested() throws(SimulationViolation) {
        for slot in members.indices where members[slot]?.isStopRequested ?? false {
            _ = try apply(.init(kind: .stop, member: slot, choice: 0))
        }
    }

    /// Whether there was a rebalance beside the first assignment.
    var hasRebalanced: Bool { world.group.rebalances >= 2 }

    private var isEverythingDone: Bool {
        (0..<setup.partitionCount).allSatisfy { partition in
            let end = world.broker.end(partition)
            return world.model.doneEnd(partition) == end && (world.broker.committed[partition]?.offset ?? 0) == end
                && !world.broker.isCommitStale(partition)
        }
    }

    private var whatIsMissing: String {
        (0..<setup.partitionCount).map { partition in
            let committed = world.broker.committed[partition]?.offset ?? 0
            return "partition \(partition) ends at \(world.broker.end(partition)), is done up to "
                + "\(world.model.doneEnd(partition)) and committed up to \(committed)"
        }.joined(separator: "; ")
    }

    /// A chance for everybody to do everything that is to be done.
    private func turn() throws(SimulationViolation) {
        if world.group.needsRebalance || !hasRebalanced {
            _ = try apply(.init(kind: .rebalance, member: 0, choice: steps))
        }
        for slot in members.indices {
            for kind in [SimulationEvent.Kind.stop, .groupReport, .offsetsAnswered, .userNotified] {
                if kind == .stop, !(members[slot]?.isStopRequested ?? false) { continue }
                _ = try apply(.init(kind: kind, member: slot, choice: 0))
            }
            for choice in 0..<setup.partitionCount {
                _ = try apply(.init(kind: .fetch, member: slot, choice: choice + 64 * 5))
            }
            _ = try apply(.init(kind: .timersFired, member: slot, choice: 0))
            while try apply(.init(kind: .drainNoted, member: slot, choice: 0)) {}
            for choice in 0..<max(setup.workerCount, setup.shardCount) {
                _ = try apply(.init(kind: .handlerStarted, member: slot, choice: choice))
            }
            for kind in [SimulationEvent.Kind.handlerCompleted, .deadLetterAcknowledged, .workerReleased] {
                while try apply(.init(kind: kind, member: slot, choice: 0)) {}
            }
            for kind in [SimulationEvent.Kind.commitSent, .commitApplied, .commitAnswered, .commitAnswered] {
                _ = try apply(.init(kind: kind, member: slot, choice: 0))
            }
        }
        _ = try apply(.init(kind: .advanceTime, member: 0, choice: 5))
    }
}
