import XKafkaEngine
import XKafkaWorkers

/// Answers, timers and ends that belong to something that is over: none of them may change anything (R8).
extension SimulatedMember {
    func answerStale(_ choice: Int) throws(SimulationViolation) -> Bool {
        var actions: [RebalanceMachine.Action] = []
        let idle = entries.indices.filter { !draining.contains($0) }
        if choice % 2 == 0, !idle.isEmpty {
            // Of a partition that is in no round, or was drained before.
            actions = machine.drained(setup.topicPartitions[idle[choice / 2 % idle.count]], at: world.now)
        } else {
            let old = oldTokens.filter { $0 != commits.final?.token && $0 != notification }
            guard !old.isEmpty else { return false }
            let token = old[choice / 2 % old.count]
            actions = machine.committed(token, at: world.now) + machine.notified(token, at: world.now)
        }
        try require(actions.isEmpty, .staleIsInert, "an answer to something that is over leads to \(actions)")
        return true
    }

    func fireStaleTimer(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard !oldTickets.isEmpty else { return false }
        let (shard, ticket) = oldTickets[choice % oldTickets.count]
        let isInert = !queues[shard].unpark(ticket) && !queues[shard].finish(ticket).becameReady
        try require(isInert, .staleIsInert, "a ticket that was used wakes a key")
        return true
    }

    /// The end of a message whose assignment is over, once more.
    func completeStale(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard !over.isEmpty else { return false }
        let entry = over[choice % over.count]
        // Only one that did not count before shows whether it counts now.
        guard
            let delivery = entry.lastDelivery,
            let last = entry.assignment.messages.last(where: { $0.status != .skipped })
        else { return false }
        touched.append(entry)
        let effects = entry.state.end(delivery, offset: last.offset, bytes: last.bytes, .completed)
        try require(
            !effects.madeProgress && !effects.isDrained,
            .staleIsInert,
            "the end of offset \(last.offset) counts although its assignment is over"
        )
        return true
    }
}
