import Logging
import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaTransport
import XKafkaWorkers

/// Carrying out what the rebalance machine decides.
extension ConsumerLoop {
    func perform(_ actions: [RebalanceMachine.Action]) {
        for action in actions {
            switch action {
            case .assign(let partitions, let feeding): takeUp(partitions, feeding: feeding)
            case .stopFeeding(let partitions): stopFeeding(partitions)
            case .cancelHandlers(let partitions):
                let meant = assignments(partitions)
                workers.cancel { meant.contains(ObjectIdentifier($0.partition)) }
                runtime.publications.cancel(meant)
            case .commit(let partitions, let token):
                commits.final = .init(partitions: partitions, token: token)
                commits.finalError = nil
            case .notifyRevoked(let partitions, let token):
                giveUpFinalCommit()
                callOnRevoked(partitions, settle(partitions, commitError: commits.finalError), token)
            case .giveBack(let partitions, let lost):
                if !lost { giveUpFinalCommit() }
                giveBack(partitions, lost: lost)
            case .leave:
                giveUpFinalCommit()
                leave()
            }
        }
    }

    /// Ends everything about these partitions, unless that was done already. Answers what became of their
    /// messages.
    private func settle(_ topicPartitions: [TopicPartition], commitError: (any Error)?) -> DrainReport {
        var settled = DrainReport()
        let meant = assignments(topicPartitions)
        // Handlers that are still busy may be for long; others take their place.
        workers.giveUp { meant.contains(ObjectIdentifier($0.partition)) }
        var start = ContinuousClock.now
        var wasOpen = false
        for topicPartition in topicPartitions {
            guard let entry = partitions[topicPartition], !entry.isClosed else { continue }
            wasOpen = true
            entry.close(into: &settled)
            if let drainStart = entry.drainStart { start = min(start, drainStart) }
        }
        settled.commitError = commitError
        settled.duration = start.duration(to: .now)
        report.add(settled)
        if wasOpen { runtime.plan.metrics?.drained(after: settled.duration) }
        return settled
    }

    private func stopFeeding(_ topicPartitions: [TopicPartition]) {
        for topicPartition in topicPartitions {
            guard let entry = partitions[topicPartition] else { continue }
            entry.isFeeding = false
            entry.drainStart = entry.drainStart ?? .now
            _ = entry.assigned.drain()
        }
        let meant = assignments(topicPartitions)
        // No handler starts for them any more; what no worker has is taken out of the queues.
        // A dead letter that is on its way is waited for, like a handler that runs.
        for item in workers.removeAll(where: { meant.contains(ObjectIdentifier($0.partition)) && !$0.isPublishing }) {
            runtime.end(item, .returned)
        }
        draining.formUnion(topicPartitions)
    }

    func giveBack(_ topicPartitions: [TopicPartition], lost: Bool) {
        let revoked = Set(topicPartitions)
        // Queues go with their partitions, before librdkafka stops those.
        let settled = settle(topicPartitions, commitError: lost ? nil : commits.finalError)
        for topicPartition in topicPartitions { partitions[topicPartition] = nil }
        turns.removeAll { revoked.contains($0.topicPartition) }
        nextTurn = 0
        draining.subtract(topicPartitions)
        pendingAssignment?.partitions.removeAll { revoked.contains($0) }
        if pendingAssignment?.partitions.isEmpty == true { pendingAssignment = nil }
        updatePartitionLimit()
        do {
            try client.unassign(topicPartitions, incrementally: isCooperative ?? false)
        } catch {
            note(error)
        }
        log(lost ? "xkafka partitions lost" : "xkafka partitions given back", topicPartitions, settled)
        if lost { callOnLost(topicPartitions) }
    }

    func log(_ message: Logger.Message, _ topicPartitions: [TopicPartition], _ settled: DrainReport? = nil) {
        guard !topicPartitions.isEmpty, runtime.logger.logLevel <= .debug else { return }
        var metadata: Logger.Metadata = [
            "partitions": "\(topicPartitions.map(\.description).joined(separator: " "))"
        ]
        metadata["drained"] = settled.map { "\($0)" }
        runtime.logger.debug(message, metadata: metadata)
    }

    func askIfCooperative() -> Bool {
        if let isCooperative { return isCooperative }
        let answer = if case .group = role { client.isCooperative } else { false }
        isCooperative = answer
        return answer
    }

    private func assignments(_ topicPartitions: [TopicPartition]) -> Set<ObjectIdentifier> {
        Set(topicPartitions.compactMap { partitions[$0].map { ObjectIdentifier($0.assigned) } })
    }

    /// A partition whose messages do not end can have its share of the messages in hand, no more.
    func updatePartitionLimit() {
        let share = runtime.credit.messageLimit / max(1, turns.count)
        runtime.partitionLimit.store(max(1, share), ordering: .relaxed)
        // What librdkafka holds ready counts as well.
        let budget = runtime.processing.byteBudget
        let prefetch = PrefetchLimit(byteBudget: budget, partitions: turns.count)
        let ready = min(turns.count * prefetch.queueBytes, budget / 4)
        runtime.credit.byteLimit.store(budget - ready, ordering: .relaxed)
    }
}
