import XKafkaCore
import XKafkaEngine
import XKafkaOffsets
import XKafkaWorkers

/// One consumer of the group, made of the real cores and of as little else as it takes to carry out
/// what they decide: what the consumer thread and the workers do, one step at a time.
final class SimulatedMember {
    struct Item: Sendable {
        let reference: SimulationModel.Reference
        let delivery: OffsetTracker.Delivery
        let offset: Int64
        let bytes: Int
        let line: Int
        var attempt = 1
        var wasExhausted = false
        /// What is left to do is to publish its dead letter.
        var isPublishing = false
    }

    struct Job {
        enum Phase {
            case running, publishing
            /// The worker is done with it, and the key not yet.
            case finished
            case parked(Duration)
        }

        var item: Item
        let shard: Int
        let ticket: KeyQueues<Item>.Ticket
        var phase: Phase
        var isCancelled = false
        var isTimedOut = false
    }

    struct Timer {
        let time: ContinuousClock.Instant
        let shard: Int
        let ticket: KeyQueues<Item>.Ticket
        let item: Item
    }

    struct PendingAssignment {
        var partitions: [Int]
        let deadline: ContinuousClock.Instant
    }

    let world: SimulatedWorld
    let slot: Int
    let instance: Int
    var machine: RebalanceMachine
    var entries: [SimulatedEntry?]
    /// By assignment, also those that are over, for what still ends.
    var everyEntry: [Int: SimulatedEntry] = [:]
    /// Those of them that are over.
    var over: [SimulatedEntry] = []
    /// Those of them that something happened to since the last check.
    var touched: [SimulatedEntry] = []
    /// Where it stood after the last step, for the counters.
    private(set) var state = SimulationCounters.State.joining
    var draining: Set<Int> = []
    var pending: PendingAssignment?
    /// Reports of the group without an answer.
    var owedAnswers = 0
    var commits = CommitState()
    var notification: RebalanceMachine.Token?
    var hasCancelled = false
    /// What the last round has committed.
    private var committedLast: Set<Int> = []
    var oldTokens: [RebalanceMachine.Token] = []

    var queues: [KeyQueues<Item>]
    var workers: [Job?]
    var timers: [Timer] = []
    var oldTickets: [(shard: Int, ticket: KeyQueues<Item>.Ticket)] = []
    var held = 0

    var isStopRequested = false
    var isStopNoticed = false
    var isClosing = false
    var hasEnded = false

    init(_ world: SimulatedWorld, slot: Int) {
        self.world = world
        self.slot = slot
        instance = world.instances
        world.instances += 1
        machine = RebalanceMachine(limits: SimulationSetup.limits, notifiesRevoked: world.setup.notifiesRevoked)
        entries = Array(repeating: nil, count: world.setup.partitionCount)
        queues = (0..<world.setup.shardCount).map { _ in KeyQueues() }
        workers = Array(repeating: nil, count: world.setup.workerCount)
        world.group.join(slot, instance)
    }

    var setup: SimulationSetup { world.setup }
    var model: SimulationModel { world.model }
    var liveEntries: [SimulatedEntry] { entries.compactMap { $0 } }

    private func numbers(_ partitions: [TopicPartition]) -> [Int] { partitions.map { Int($0.partition) } }
    private func names(_ partitions: [Int]) -> [TopicPartition] { partitions.map { setup.topicPartitions[$0] } }

    // MARK: The group

    /// Serves the next report of the group, if librdkafka would let it through.
    func serveReport() throws(SimulationViolation) -> Bool {
        guard let report = world.group.inboxes[slot].first, report == .lost || owedAnswers == 0 else { return false }
        world.group.inboxes[slot].removeFirst()
        world.tell("  reports \(report)")
        switch report {
        case .assigned(let partitions):
            owedAnswers += 1
            try perform(machine.assigned(names(partitions), at: world.now))
        case .revoked(let partitions):
            owedAnswers += 1
            model.revocationStarts[slot].append(world.now)
            try perform(machine.revoked(names(partitions), lost: false, at: world.now))
        case .lost:
            let mine = entries.indices.filter { entries[$0] != nil || pending?.partitions.contains($0) ?? false }
            try perform(machine.revoked(names(mine), lost: true, at: world.now))
        }
        return true
    }

    func perform(_ actions: [RebalanceMachine.Action]) throws(SimulationViolation) {
        for action in actions {
            world.tell("  \(text(of: action))")
            switch action {
            case .assign(let partitions, let feeding): takeUp(numbers(partitions), feeding: feeding)
            case .stopFeeding(let partitions): try stopFeeding(numbers(partitions))
            case .cancelHandlers(let partitions): try cancelHandlers(numbers(partitions))
            case .commit(let partitions, let token):
                try requireOwned(partitions, "committed")
                committedLast = Set(numbers(partitions))
                oldTokens.append(token)
                commits.final = .init(partitions: numbers(partitions), token: token)
            case .notifyRevoked(let partitions, let token):
                try requireOwned(partitions, "told of")
                giveUpFinalCommit()
                notification = token
            case .giveBack(let partitions, let lost):
                if !lost {
                    try requireCommitted(numbers(partitions))
                    giveUpFinalCommit()
                    notification = nil
                    owedAnswers -= 1
                    if !model.revocationStarts[slot].isEmpty { model.revocationStarts[slot].removeFirst() }
                }
                try giveBack(numbers(partitions))
            case .leave:
                giveUpFinalCommit()
                notification = nil
                leave()
            }
        }
    }

    private func text(of action: RebalanceMachine.Action) -> String {
        switch action {
        case .commit(let partitions, _): "commit(\(partitions))"
        case .notifyRevoked(let partitions, _): "notifyRevoked(\(partitions))"
        default: "\(action)"
        }
    }

    /// What another member may have is neither committed nor told of (R10).
    private func requireOwned(_ partitions: [TopicPartition], _ what: String) throws(SimulationViolation) {
        for partition in numbers(partitions) {
            let isOwned = entries[partition] != nil || pending?.partitions.contains(partition) ?? false
            try require(isOwned, .everythingEnds, "partition \(partition) is \(what) after it was given back")
        }
    }

    /// Nothing is given back without a last commit, whatever comes of that.
    private func requireCommitted(_ partitions: [Int]) throws(SimulationViolation) {
        guard !isClosing else { return }
        try require(
            committedLast.isSuperset(of: partitions),
            .conservation,
            "partitions \(partitions) are given back without a last commit"
        )
    }

    // MARK: Assignments

    private func takeUp(_ partitions: [Int], feeding: Bool) {
        if feeding, !partitions.isEmpty {
            pending = PendingAssignment(partitions: partitions, deadline: world.now + SimulationSetup.offsetsLimit)
        } else {
            assign(partitions, feeding: false, knowsOffsets: false)
        }
    }

    /// The committed offsets are known, or will not be.
    func endPending(knowsOffsets: Bool) {
        guard let pending else { return }
        self.pending = nil
        assign(pending.partitions, feeding: !isStopNoticed, knowsOffsets: knowsOffsets)
    }

    private func assign(_ partitions: [Int], feeding: Bool, knowsOffsets: Bool) {
        owedAnswers -= 1
        for partition in partitions {
            let committed = world.broker.committed[partition]
            let known = knowsOffsets ? committed : nil
            let assignment = model.assign(
                slot: slot,
                instance: instance,
                partition: partition,
                start: known?.offset,
                inherited: known.flatMap { CompletionMap(metadata: $0.metadata, frontier: $0.offset) }
            )
            let entry = SimulatedEntry(
                assignment,
                position: committed?.offset ?? 0,
                generation: committed == nil
                    ? world.broker.generations[partition] : world.broker.committedGenerations[partition],
                isFeeding: feeding && !draining.contains(partition)
            )
            if !entry.isFeeding {
                _ = entry.state.drain()
                assignment.drain()
            }
            // The group may have given it to another one while the offsets were asked for.
            assignment.isExpired = !world.group.isMember(slot, instance)
            entries[partition] = entry
            everyEntry[assignment.id] = entry
            world.tell("  assignment \(assignment.id) of partition \(partition) from \(entry.position)")
        }
    }

    private func stopFeeding(_ partitions: [Int]) throws(SimulationViolation) {
        for partition in partitions {
            guard let entry = entries[partition] else { continue }
            entry.isFeeding = false
            _ = entry.state.drain()
            entry.assignment.drain()
        }
        let meant = Set(partitions.compactMap { entries[$0]?.assignment.id })
        var removed: [Item] = []
        for shard in queues.indices {
            removed += queues[shard].removeAll { meant.contains($0.reference.assignment) }
        }
        try model.removed(removed.map(\.reference), from: meant, slot)
        for item in removed { try end(item, .returned) }
        draining.formUnion(partitions)
    }

    private func cancelHandlers(_ partitions: [Int]) throws(SimulationViolation) {
        hasCancelled = true
        let meant = Set(partitions.compactMap { entries[$0]?.assignment.id })
        var cancelled: Set<Int> = []
        for shard in queues.indices {
            cancelled.formUnion(queues[shard].cancel { meant.contains($0.reference.assignment) })
        }
        let expected = workers.indices.filter { index in
            workers[index].map { !$0.isCancelled && meant.contains($0.item.reference.assignment) } ?? false
        }
        try require(
            cancelled == Set(expected),
            .everythingEnds,
            "workers \(cancelled.sorted()) are cancelled instead of \(expected)"
        )
        for worker in cancelled { workers[worker]?.isCancelled = true }
    }

    private func giveBack(_ partitions: [Int]) throws(SimulationViolation) {
        for partition in partitions {
            guard let entry = entries[partition] else { continue }
            try close(entry)
            entries[partition] = nil
        }
        draining.subtract(partitions)
        if draining.isEmpty { hasCancelled = false }
        if let old = pending {
            let left = old.partitions.filter { !partitions.contains($0) }
            pending = left.isEmpty ? nil : PendingAssignment(partitions: left, deadline: old.deadline)
            // What was taken away again needs no other answer.
            if left.isEmpty { owedAnswers -= 1 }
        }
        if world.group.isMember(slot, instance) { world.group.gaveBack(slot, partitions) }
    }

    private func close(_ entry: SimulatedEntry) throws(SimulationViolation) {
        entry.isFeeding = false
        touched.append(entry)
        if entry.lastDelivery != nil { over.append(entry) }
        try model.closed(entry.assignment, abandoned: entry.state.close())
    }

    /// The log was reset: what was in hand is left to its handlers, whose ends change nothing any more.
    func restart(_ old: SimulatedEntry) throws(SimulationViolation) -> SimulatedEntry {
        let partition = old.partition
        world.noticedResets += 1
        var removed: [Item] = []
        for shard in queues.indices {
            removed += queues[shard].removeAll { $0.reference.assignment == old.assignment.id }
        }
        try model.removed(removed.map(\.reference), from: [old.assignment.id], slot)
        for item in removed { try end(item, .returned) }
        try close(old)
        let assignment = model.assign(slot: slot, instance: instance, partition: partition, start: nil, inherited: nil)
        let entry = SimulatedEntry(
            assignment,
            position: old.position,
            generation: old.generation,
            isFeeding: true
        )
        entry.lastOffset = old.lastOffset
        entry.reportedEnd = old.reportedEnd
        assignment.isExpired = !world.group.isMember(slot, instance)
        entries[partition] = entry
        everyEntry[assignment.id] = entry
        world.tell("  assignment \(assignment.id) of partition \(partition), whose log was reset")
        return entry
    }

    // MARK: End

    func stop() throws(SimulationViolation) -> Bool {
        guard isStopRequested, !isStopNoticed else { return false }
        isStopNoticed = true
        model.stopStarts[slot] = world.now
        try perform(machine.stop(at: world.now))
        return true
    }

    private func leave() {
        endPending(knowsOffsets: false)
        isClosing = true
        model.stopStarts[slot] = nil
        world.group.inboxes[slot] = []
    }

    /// What librdkafka does by itself: joins the group, and leaves it when everything is given back.
    func updateMembership() throws(SimulationViolation) {
        guard !hasEnded, world.group.inboxes[slot].isEmpty, owedAnswers == 0 else { return }
        guard isClosing else {
            if !world.group.isMember(slot, instance) { world.group.join(slot, instance) }
            return
        }
        let mine = entries.indices.filter { entries[$0] != nil }
        if mine.isEmpty {
            hasEnded = true
            if world.group.isMember(slot, instance) { world.group.remove(slot) }
            world.tell("  member \(slot) has left")
        } else {
            world.group.inboxes[slot] = [.revoked(mine)]
        }
    }

    func updateState() {
        state =
            if isClosing {
                .leaving
            } else if notification != nil {
                .notifying
            } else if commits.final != nil {
                .committing
            } else if !draining.isEmpty || isStopNoticed {
                hasCancelled ? .cancelling : .draining
            } else {
                entries.contains { $0 != nil } ? .reading : .joining
            }
    }
}
