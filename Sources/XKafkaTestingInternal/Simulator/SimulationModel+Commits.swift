import XKafkaEngine
import XKafkaOffsets

/// The rules over commits and over the time that giving partitions back takes.
extension SimulationModel {
    /// A member sends a commit for an assignment, with `told` as what its metadata says.
    func commitSent(
        _ assignment: ModelAssignment,
        _ map: CompletionMap,
        _ metadata: String,
        limit: Int
    ) throws(SimulationViolation) {
        let name = "partition \(assignment.partition) of member \(assignment.slot)"
        try require(assignment.phase != .closed, .everythingEnds, "\(name) is committed after it was given back")
        try checkCommit(assignment, map.frontier, metadata, name)
        try require(
            map.frontier >= assignment.lastCommitSent,
            .monotonic,
            "\(name): a commit at \(map.frontier) after one at \(assignment.lastCommitSent)"
        )
        assignment.lastCommitSent = map.frontier
        try require(
            metadata.utf8.count <= limit && metadata.utf8.allSatisfy { $0 < 0x80 },
            .bounds,
            "\(name): metadata of \(metadata.utf8.count) characters"
        )
        // With room for everything, everything is told.
        guard limit >= CompletionMap.defaultLimit else { return }
        let told = CompletionMap(metadata: metadata, frontier: map.frontier)
        for message in assignment.messages where message.offset >= map.frontier && message.status.isDone {
            let isTold = told?.contains(message.offset) ?? false
            try require(isTold, .conservation, "\(name): \(message.offset) is done, and the commit forgets it")
        }
    }

    /// The broker takes a commit over, after an earlier one of the same log.
    func commitApplied(
        _ assignment: ModelAssignment,
        _ committed: SimulatedBroker.Committed,
        after previous: SimulatedBroker.Committed?
    ) throws(SimulationViolation) {
        let partition = assignment.partition
        try checkCommit(assignment, committed.offset, committed.metadata, "partition \(partition)")
        try require(
            committed.offset >= previous?.offset ?? 0,
            .monotonic,
            "partition \(partition): committed \(committed.offset) after \(previous?.offset ?? 0)"
        )
    }

    private func checkCommit(
        _ assignment: ModelAssignment,
        _ frontier: Int64,
        _ metadata: String,
        _ name: String
    ) throws(SimulationViolation) {
        try require(
            frontier <= doneEnd(of: assignment),
            .noLoss,
            "\(name): a commit at \(frontier), and \(doneEnd(of: assignment)) is not done"
        )
        guard !metadata.isEmpty else { return }
        let map = CompletionMap(metadata: metadata, frontier: frontier)
        for range in map?.ranges ?? [] {
            for offset in range {
                try require(done(assignment, offset), .noLoss, "\(name): offset \(offset) is committed as done")
            }
        }
    }

    /// Giving partitions back, and stopping, end whatever handlers, brokers and callbacks do.
    func checkRounds(at now: ContinuousClock.Instant) throws(SimulationViolation) {
        for slot in stopStarts.indices {
            // A revocation that meets a stop is answered when that is over.
            for start in [revocationStarts[slot].first, stopStarts[slot]] {
                guard let start else { continue }
                try require(
                    now <= start + SimulationSetup.roundLimit,
                    .everythingEnds,
                    "member \(slot) has been giving partitions back for \(start.duration(to: now))"
                )
            }
        }
    }
}
