import Logging
import XKafkaCore
import XKafkaOffsets
import XKafkaTransport

/// An assignment whose committed offsets are being asked for.
struct PendingAssignment {
    var partitions: [TopicPartition]
    var feeding: Bool
    /// The number of the request under way; `nil` before the first one and between two.
    var requestNumber: Int?
    /// When to ask (again).
    var retryTime: ContinuousClock.Instant?
    /// When to go on without an answer.
    let deadline: ContinuousClock.Instant
}

/// Taking up an assignment: first what the group has committed is read, metadata included, then reading
/// starts.
extension ConsumerLoop {
    /// How long one request for committed offsets may take.
    static let committedRequestLimit = Duration.seconds(5)
    /// How long the pause after a failed one is.
    static let committedRetryPause = Duration.milliseconds(200)
    /// How long the offsets are asked for before librdkafka is left to find them. Then messages that are
    /// finished beyond them are handled again.
    static let committedLimit = Duration.seconds(15)

    func takeUp(_ partitions: [TopicPartition], feeding: Bool) {
        let pending = PendingAssignment(
            partitions: partitions,
            feeding: feeding,
            retryTime: .now,
            deadline: .now + Self.committedLimit
        )
        if case .group = role, feeding, !partitions.isEmpty {
            pendingAssignment = pending
            requestCommittedIfDue(.now)
        } else {
            assign(pending, [:])
        }
    }

    func requestCommittedIfDue(_ now: ContinuousClock.Instant) {
        guard let pending = pendingAssignment else { return }
        if now >= pending.deadline {
            runtime.logger.warning("xkafka could not read the committed offsets and goes on without their metadata")
            assign(pending, [:])
            return
        }
        guard case .group(let config) = role, let retryTime = pending.retryTime, now >= retryTime else { return }
        commits.lastNumber += 1
        pendingAssignment?.requestNumber = commits.lastNumber
        pendingAssignment?.retryTime = nil
        client.requestCommitted(
            pending.partitions,
            group: config.groupID,
            number: commits.lastNumber,
            timeout: Self.committedRequestLimit
        )
    }

    func noteCommittedOffsets(_ answer: ConsumerEvent.CommittedOffsets, _ now: ContinuousClock.Instant) {
        // An answer to an older request is about an assignment that is over (R8).
        guard let pending = pendingAssignment, pending.requestNumber == answer.number else { return }
        switch answer.offsets {
        case .success(let committed): assign(pending, committed)
        case .failure(let error):
            note(error)
            pendingAssignment?.requestNumber = nil
            pendingAssignment?.retryTime = now + Self.committedRetryPause
        }
    }

    /// Starts reading.
    func assign(_ pending: PendingAssignment, _ committed: [TopicPartition: OffsetAndMetadata]) {
        pendingAssignment = nil
        do {
            let isCooperative = askIfCooperative()
            var positions: [TopicPartitionOffset] = []
            let isAwaited = pending.feeding && hasAssignedCallback
            for topicPartition in pending.partitions {
                let position = startPosition(topicPartition, committed[topicPartition])
                positions.append(position)
                let part = role.reading?.parts[topicPartition]
                try add(
                    position,
                    feeding: pending.feeding && !isAwaited,
                    finished: part?.finished ?? finished(committed[topicPartition]),
                    end: part?.end
                )
            }
            try client.assign(positions, incrementally: isCooperative)
        } catch {
            runtime.logger.error("xkafka could not take up an assignment", metadata: ["error": "\(error)"])
            runtime.requestStop(failure: error)
        }
        updatePartitionLimit()
        log("xkafka partitions assigned", pending.partitions)
        if pending.feeding { callOnAssigned(pending.partitions) }
    }

    private func add(
        _ position: TopicPartitionOffset,
        feeding: Bool,
        finished: CompletionMap?,
        end: Int64?
    ) throws(KafkaError) {
        let topicPartition = position.topicPartition
        // The old queue goes first: dropping it later would take the new one's announcements away.
        partitions[topicPartition]?.close(into: &report)
        turns.removeAll { $0.topicPartition == topicPartition }

        epochs += 1
        let known = position.offset >= 0 ? position.offset : nil
        let entry = PartitionEntry(
            AssignedPartition(topicPartition, epoch: epochs, startingAt: known, finished: finished),
            isFeeding: feeding,
            committed: known.map { finished ?? CompletionMap(frontier: $0, ranges: []) },
            end: end
        )
        if let known, entry.noteReached(known) { entry.isFeeding = false }
        let signal = runtime.signal
        let announcement = entry.announcement
        // Before the assignment, so that no message of this partition goes to the common queue.
        entry.queue = try client.queue(of: topicPartition) {
            announcement.set()
            signal.raise()
        }
        partitions[topicPartition] = entry
        turns.append(entry)
    }

    private func startPosition(
        _ topicPartition: TopicPartition,
        _ committed: OffsetAndMetadata?
    ) -> TopicPartitionOffset {
        switch role {
        case .group:
            committed?.position ?? TopicPartitionOffset(topicPartition, offset: LogicalOffset.committed)
        case .partitions(let reading):
            TopicPartitionOffset(topicPartition, offset: reading.parts[topicPartition]?.start ?? 0)
        }
    }

    /// What an earlier owner has finished beyond the committed offset.
    private func finished(_ committed: OffsetAndMetadata?) -> CompletionMap? {
        guard let committed, !committed.metadata.isEmpty else { return nil }
        let map = CompletionMap(metadata: committed.metadata, frontier: committed.position.offset)
        if map == nil, !hasWarnedOfMetadata {
            hasWarnedOfMetadata = true
            runtime.logger.warning(
                "xkafka ignores commit metadata that it did not write",
                metadata: ["partition": "\(committed.position.topicPartition)"]
            )
        }
        return map
    }
}
