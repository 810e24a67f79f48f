import XKafkaEngine
import XKafkaOffsets

/// Everything that has happened, kept apart from the cores, and the rules over it.
final class SimulationModel {
    /// Names one delivered message.
    struct Reference: Hashable {
        let assignment: Int
        let index: Int
    }

    /// One key of one partition as one member has it.
    struct KeyLine {
        enum State { case ready, running, parked }
        var queue: [Reference] = []
        var state = State.ready
    }

    private struct Running {
        let reference: Reference
        let slot: Int
        let instance: Int
    }

    let setup: SimulationSetup
    private(set) var assignments: [ModelAssignment] = []
    /// By slot, then by key line.
    private(set) var lines: [[KeyLine]]
    /// Handlers that run, by key line.
    private var running: [[Running]]
    /// By partition: its logs, of which the last is the present one.
    private var logs: [[ModelLog]]
    /// When the revocations without an answer came, and the stops of members that have not left, by slot.
    var revocationStarts: [[ContinuousClock.Instant]]
    var stopStarts: [ContinuousClock.Instant?]
    private var hasDeadLetter: Set<Reference> = []
    private(set) var handled = 0
    private(set) var duplicates = 0

    init(_ setup: SimulationSetup) {
        self.setup = setup
        let lineCount = setup.partitionCount * setup.keyCount
        lines = Array(repeating: Array(repeating: KeyLine(), count: lineCount), count: setup.memberCount)
        running = Array(repeating: [], count: lineCount)
        logs = Array(repeating: [ModelLog()], count: setup.partitionCount)
        revocationStarts = Array(repeating: [], count: setup.memberCount)
        stopStarts = Array(repeating: nil, count: setup.memberCount)
    }

    func line(_ partition: Int, _ key: Int) -> Int { partition * setup.keyCount + key }

    func message(_ reference: Reference) -> ModelAssignment.Message {
        assignments[reference.assignment].messages[reference.index]
    }

    private func line(_ reference: Reference) -> Int {
        line(assignments[reference.assignment].partition, message(reference).key)
    }

    // MARK: Assignments

    func assign(slot: Int, instance: Int, partition: Int, start: Int64?, inherited: CompletionMap?) -> ModelAssignment {
        let new = ModelAssignment(
            id: assignments.count,
            slot: slot,
            instance: instance,
            partition: partition,
            log: logs[partition].count - 1,
            start: start,
            inherited: inherited
        )
        assignments.append(new)
        return new
    }

    /// The group gives the partitions of a member to others without asking it.
    func expire(_ instance: Int) {
        for assignment in assignments where assignment.instance == instance { assignment.isExpired = true }
    }

    /// A consumer has ended, or its process is gone. What it still ran is of no interest any more.
    func forget(_ slot: Int) {
        for index in running.indices { running[index].removeAll { $0.slot == slot } }
        lines[slot] = lines[slot].map { _ in KeyLine() }
        revocationStarts[slot] = []
        stopStarts[slot] = nil
    }

    func closed(_ assignment: ModelAssignment, abandoned: [Int64]) throws(SimulationViolation) {
        let expected = assignment.close()
        try require(
            abandoned == expected,
            .conservation,
            "partition \(assignment.partition) gives up \(abandoned) instead of \(expected)"
        )
    }

    // MARK: Messages

    func delivered(_ assignment: ModelAssignment, _ offset: Int64, key: Int, bytes: Int) -> Int {
        let index = assignment.deliver(.init(offset: offset, key: key, bytes: bytes, status: .queued))
        let line = line(assignment.partition, key)
        lines[assignment.slot][line].queue.append(Reference(assignment: assignment.id, index: index))
        return index
    }

    func skipped(_ assignment: ModelAssignment, _ offset: Int64, key: Int, bytes: Int) throws(SimulationViolation) {
        let isKnown = assignment.known?.inherited?.contains(offset) ?? false
        try require(
            isKnown && done(assignment, offset),
            .noLoss,
            "partition \(assignment.partition): offset \(offset) is passed over although it is not done"
        )
        _ = assignment.deliver(.init(offset: offset, key: key, bytes: bytes, status: .skipped))
    }

    func started(_ reference: Reference, attempt: Int) throws(SimulationViolation) {
        let assignment = assignments[reference.assignment]
        let message = message(reference)
        let line = line(reference)
        let name = "partition \(assignment.partition), key \(message.key), offset \(message.offset)"
        try require(assignment.phase == .active, .everythingEnds, "\(name) starts when it is \(assignment.phase)")
        for other in running[line] {
            let isAbandoned =
                assignment.isExpired || assignments[other.reference.assignment].isExpired
                || self.message(other.reference).status == .abandoned
            let overlaps = other.slot == assignment.slot && other.instance == assignment.instance || !isAbandoned
            try require(!overlaps, .keyOrder, "\(name) starts while \(self.message(other.reference).offset) runs")
        }
        // Whatever of this key stands before it is done, here or elsewhere.
        for earlier in assignment.messages where earlier.offset < message.offset && earlier.key == message.key {
            try require(earlier.status.isDone, .keyOrder, "\(name) overtakes \(earlier.offset)")
        }
        try require(
            logs[assignment.partition][assignment.log].firstOpen(key: message.key, before: message.offset) == nil,
            .noLoss,
            "\(name) starts although an earlier message of its key was never done"
        )
        let isKnown = assignment.known.map {
            $0.start > message.offset || $0.inherited?.contains(message.offset) ?? false
        }
        try require(isKnown != true, .conservation, "\(name) starts although it was known to be done")
        running[line].append(Running(reference: reference, slot: assignment.slot, instance: assignment.instance))
        assignment.setStatus(reference.index, .running)
        if attempt == 1 {
            handled += 1
            if done(assignment, message.offset) { duplicates += 1 }
        }
    }

    /// A worker has a key's first message, whether a handler starts for it or not.
    func taken(_ reference: Reference, _ slot: Int) throws(SimulationViolation) {
        let line = line(reference)
        let keyLine = lines[slot][line]
        let name = "offset \(message(reference).offset) of key line \(line)"
        try require(keyLine.queue.first == reference, .keyOrder, "\(name) is taken out of turn")
        try require(keyLine.state == .ready, .keyOrder, "\(name) is taken while its key is \(keyLine.state)")
        lines[slot][line].state = .running
    }

    /// How a message ended; of an assignment that is over only the facts are noted.
    func ended(_ reference: Reference, _ ending: PartitionState.Ending) throws(SimulationViolation) {
        let assignment = assignments[reference.assignment]
        try require(
            ending != .deadLettered || hasDeadLetter.contains(reference),
            .deadLettersFirst,
            "partition \(assignment.partition): the dead letter of \(message(reference).offset) is not acknowledged"
        )
        running[line(reference)].removeAll { $0.reference == reference }
        if ending == .completed || ending == .deadLettered {
            logs[assignment.partition][assignment.log].markDone(message(reference).offset)
        }
        guard assignment.phase != .closed else { return }
        let status: ModelAssignment.Status =
            switch ending {
            case .completed: .completed
            case .deadLettered: .deadLettered
            case .cancelled: .cancelled
            case .returned: .returned
            }
        assignment.setStatus(reference.index, status)
    }

    /// The dead letter of a message is on its way.
    func publishing(_ reference: Reference) {
        running[line(reference)].removeAll { $0.reference == reference }
        let assignment = assignments[reference.assignment]
        if assignment.phase != .closed { assignment.setStatus(reference.index, .running) }
    }

    func deadLetterAcknowledged(_ reference: Reference) {
        hasDeadLetter.insert(reference)
    }

    /// An attempt is over, and another one follows.
    func failed(_ reference: Reference) {
        running[line(reference)].removeAll { $0.reference == reference }
        let assignment = assignments[reference.assignment]
        if assignment.phase != .closed { assignment.setStatus(reference.index, .parked) }
    }

    func released(_ reference: Reference, _ slot: Int, isParked: Bool) {
        let line = line(reference)
        lines[slot][line].state = isParked ? .parked : .ready
        if !isParked { lines[slot][line].queue.removeFirst() }
    }

    /// Answers whether the key was waiting.
    func unparked(_ reference: Reference, _ slot: Int) -> Bool {
        let line = line(reference)
        guard lines[slot][line].state == .parked, lines[slot][line].queue.first == reference else { return false }
        lines[slot][line].state = .ready
        return true
    }

    /// Messages of drained assignments were taken out of the queues, except those a worker has.
    func removed(_ references: [Reference], from drained: Set<Int>, _ slot: Int) throws(SimulationViolation) {
        var expected: Set<Reference> = []
        for line in lines[slot].indices
        where lines[slot][line].queue.contains(where: { drained.contains($0.assignment) }) {
            let old = lines[slot][line]
            let kept = old.queue.enumerated().filter { position, reference in
                position == 0 && old.state == .running || !drained.contains(reference.assignment)
            }
            expected.formUnion(old.queue)
            expected.subtract(kept.map(\.element))
            let state: KeyLine.State = kept.first?.offset == 0 ? old.state : .ready
            lines[slot][line] = KeyLine(queue: kept.map(\.element), state: state)
        }
        try require(
            Set(references) == expected,
            .conservation,
            "\(references.count) messages are taken out of the queues instead of \(expected.count)"
        )
    }

    // MARK: What is done

    func appended(_ partition: Int, key: Int?) {
        logs[partition][logs[partition].count - 1].append(key)
    }

    /// The partition's log begins anew.
    func reset(_ partition: Int) {
        logs[partition].append(ModelLog())
    }

    /// The log that a partition has now.
    func presentLog(_ partition: Int) -> Int { logs[partition].count - 1 }

    /// Whether somebody has done the message that the offset means to an assignment.
    func done(_ assignment: ModelAssignment, _ offset: Int64) -> Bool {
        logs[assignment.partition][assignment.log].done(offset)
    }

    /// Before which offset everything is done, in the log that an assignment reads.
    func doneEnd(of assignment: ModelAssignment) -> Int64 { Int64(logs[assignment.partition][assignment.log].doneEnd) }

    /// The same of the present log.
    func doneEnd(_ partition: Int) -> Int64 { Int64(logs[partition][logs[partition].count - 1].doneEnd) }
}
