import Logging
import XKafkaCore
import XKafkaEngine

/// Telling the user about assignments.
extension ConsumerLoop {
    var hasAssignedCallback: Bool {
        if case .group(let config) = role { config.onAssigned != nil } else { false }
    }

    /// Calls `onAssigned`; the partitions are read once it has returned, or the drain deadline has passed.
    func callOnAssigned(_ topicPartitions: [TopicPartition]) {
        guard case .group(let config) = role, let onAssigned = config.onAssigned, !topicPartitions.isEmpty else {
            return
        }
        let id = nextCallback()
        callbacks[id] = .init(
            partitions: topicPartitions.compactMap { partitions[$0] },
            deadline: .now + runtime.processing.drainDeadline
        )
        AssignmentCallback.run(id, for: runtime) { await onAssigned(topicPartitions) }
    }

    /// Calls `onRevoked`; the partitions are given back once it has returned, or the machine says so.
    func callOnRevoked(_ topicPartitions: [TopicPartition], _ settled: DrainReport, _ token: RebalanceMachine.Token) {
        guard case .group(let config) = role, let onRevoked = config.onRevoked else { return }
        let id = nextCallback()
        revocations[id] = token
        AssignmentCallback.run(id, for: runtime) { await onRevoked(topicPartitions, settled) }
    }

    /// Calls `onLost`. Nothing waits for it.
    func callOnLost(_ topicPartitions: [TopicPartition]) {
        guard case .group(let config) = role, let onLost = config.onLost, !topicPartitions.isEmpty else { return }
        AssignmentCallback.run(nextCallback(), for: runtime) { await onLost(topicPartitions) }
    }

    func noteCallbackEnds(_ now: ContinuousClock.Instant) {
        for id in runtime.takeCallbackEnds() {
            if let callback = callbacks.removeValue(forKey: id) { feed(callback.partitions) }
            if let token = revocations.removeValue(forKey: id) { perform(machine.notified(token, at: now)) }
        }
        for (id, callback) in callbacks where now >= callback.deadline {
            callbacks[id] = nil
            runtime.logger.warning("xkafka goes on although onAssigned has not returned in time")
            feed(callback.partitions)
        }
    }

    func nextCallback() -> AssignmentCallback.ID {
        callbackCount += 1
        return AssignmentCallback.ID(number: callbackCount)
    }

    private func feed(_ entries: [PartitionEntry]) {
        // Those that were taken away meanwhile, or are being given back, stay as they are.
        for entry in entries where entry.assigned.mayStart && entry.queue != nil { entry.isFeeding = true }
    }
}
