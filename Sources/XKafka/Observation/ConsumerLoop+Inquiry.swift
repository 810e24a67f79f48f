import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaOffsets
import XKafkaTransport
import XKafkaWorkers

/// Answering what somebody wants to know. Takes the lock of one partition, or of one shard, at a time.
extension ConsumerLoop {
    func answerInquiry(_ now: ContinuousClock.Instant) {
        guard let inquiry = runtime.takeInquiry() else { return }
        inquiry.snapshot?.resolve(snapshot(now))
        for (topicPartition, answer) in inquiry.holds { answer.resolve(hold(of: topicPartition, now)) }
    }

    /// Whether the assignment is settled.
    var isSettled: Bool {
        isAssigned && machine.isSteady && pendingAssignment == nil && callbacks.isEmpty && !commits.isHeldByJoining
    }

    func snapshot(_ now: ContinuousClock.Instant) -> ConsumerSnapshot {
        let census = takeCensus()
        let parts = turns.map { entry in
            let standing = entry.assigned.standing
            entry.note(frontier: standing.frontier, isWaiting: standing.outstanding > 0, at: now)
            let heads = census.partitions[ObjectIdentifier(entry.assigned)] ?? .init()
            return ConsumerSnapshot.Partition(
                topicPartition: entry.topicPartition,
                epoch: entry.assigned.source.epoch,
                isRead: entry.isFeeding && !runtime.intake.isPaused,
                frontier: standing.frontier,
                frontierAge: entry.frontierAge(at: now),
                committed: entry.committed?.frontier,
                highestDelivered: standing.highestDelivered,
                endOffset: client.endOffset(of: entry.topicPartition),
                messagesInHand: standing.held,
                running: heads.running,
                parked: heads.parked,
                bytesInHand: standing.heldBytes,
                completedBeyondFrontier: standing.completedBeyondFrontier
            )
        }
        return ConsumerSnapshot(
            state: runtime.isStopRequested ? .stopping : .consuming,
            isPaused: runtime.intake.isPaused,
            isSettled: isSettled,
            partitions: parts.sorted { $0.topicPartition < $1.topicPartition },
            shards: census.shards,
            messagesInHand: runtime.credit.messagesHeld,
            messageLimit: runtime.credit.messageLimit,
            bytesInHand: runtime.credit.bytesHeld,
            byteLimit: runtime.credit.byteLimit.load(ordering: .relaxed),
            runningHandlers: census.shards.reduce(0) { $0 + $1.running },
            handlerLimit: runtime.processing.maxConcurrentHandlers,
            parked: census.shards.reduce(0) { $0 + $1.parked }
        )
    }

    private struct Heads {
        var running = 0
        var parked = 0
    }

    /// Counts what the workers have, by shard and by partition. Only the first message of a key can run or be parked.
    private func takeCensus() -> (shards: [ConsumerSnapshot.Shard], partitions: [ObjectIdentifier: Heads]) {
        var partitions: [ObjectIdentifier: Heads] = [:]
        var shards = Array(repeating: Heads(), count: runtime.processing.shardCount)
        let occupancy = workers.inspect { shard, item, standing in
            switch standing {
            case .ready: break
            case .running:
                shards[shard].running += 1
                partitions[ObjectIdentifier(item.partition), default: Heads()].running += 1
            case .parked:
                shards[shard].parked += 1
                partitions[ObjectIdentifier(item.partition), default: Heads()].parked += 1
            }
        }
        let counts = zip(occupancy, shards).map { occupancy, heads in
            ConsumerSnapshot.Shard(
                messages: occupancy.elements,
                readyKeys: occupancy.readyKeys,
                running: heads.running,
                parked: heads.parked
            )
        }
        return (counts, partitions)
    }

    // MARK: What holds a frontier

    func hold(of topicPartition: TopicPartition, _ now: ContinuousClock.Instant) -> FrontierHold {
        guard let entry = partitions[topicPartition] else {
            let isComing = pendingAssignment?.partitions.contains(topicPartition) ?? false
            return FrontierHold(topicPartition, isComing ? .committedOffsets : .notAssigned)
        }
        let standing = entry.assigned.standing
        var hold = FrontierHold(topicPartition, .nothing)
        hold.frontier = standing.frontier
        hold.committed = entry.committed?.frontier
        hold.isBeingGivenBack = !entry.assigned.mayStart
        guard standing.outstanding > 0, let offset = standing.frontier else {
            hold.cause = idleCause(entry, standing)
            return hold
        }
        hold.offset = offset
        let assigned = entry.assigned
        guard let found = workers.find(where: { $0.partition === assigned && $0.offset == offset }) else {
            // Handed back or cancelled; or on its way between the queues and its end.
            hold.cause =
                hold.isBeingGivenBack ? .givingBack : runtime.keyExtraction == nil ? .nextStep : .keyExtraction
            return hold
        }
        let context = found.element.context
        hold.key = context.logicalKey.copied()
        hold.attempt = context.attempt
        hold.lastError = found.element.trouble?.lastError
        hold.cause = cause(found, entry, context.attempt, now)
        return hold
    }

    private func cause(
        _ found: WorkerPool<ConsumeRuntime>.Found,
        _ entry: PartitionEntry,
        _ attempt: Int,
        _ now: ContinuousClock.Instant
    ) -> FrontierHold.Cause {
        guard found.isFirst else { return .turn(behind: found.first.position) }
        switch (found.standing, found.element.trouble?.next) {
        case (.running, .publish), (.running, .republish): return .nextStep
        case (.running, _):
            return .handler(seenSince: entry.sight(offset: found.element.offset, attempt: attempt, at: now))
        case (.ready, .publish), (.ready, .republish): return .nextStep
        case (.ready, _): return .freeHandler
        case (.parked, .attempt(let time)): return .retry(at: time)
        case (.parked, .publish(let publication)): return .deadLetter(attempt: publication.attempt)
        case (.parked, .republish(let publication, let time)):
            return .deadLetterRetry(at: time, attempt: publication.attempt)
        case (.parked, nil): return .nextStep
        }
    }

    /// What a partition waits for of which no message is in hand.
    private func idleCause(_ entry: PartitionEntry, _ standing: AssignedPartition.Standing) -> FrontierHold.Cause {
        if callbacks.values.contains(where: { $0.partitions.contains { $0 === entry } }) { return .onAssigned }
        if let frontier = standing.frontier, frontier != entry.committed?.frontier {
            if let commit = commits.inFlight, commit.parts.contains(where: { $0.entry === entry }) {
                return .commitAnswer(since: commit.startTime)
            }
            return commits.lastError.map { .commitRetry($0) } ?? .nextCommit
        }
        if !entry.assigned.mayStart { return .givingBack }
        if runtime.intake.isPaused { return .paused }
        if lacksRoom(entry) { return .room }
        return .nothing
    }
}
