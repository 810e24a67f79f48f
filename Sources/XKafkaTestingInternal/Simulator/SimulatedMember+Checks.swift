import XKafkaOffsets
import XKafkaWorkers

extension SimulatedMember {
    /// Nothing counts as committed because of another assignment's commit (R8).
    func checkCommitted() throws(SimulationViolation) {
        for case let entry? in entries where !entry.assignment.wasCommitted {
            try require(
                entry.committedVersion == 0 && entry.committed?.frontier == entry.assignment.start,
                .staleIsInert,
                "partition \(entry.partition) counts as committed by an earlier assignment's commit"
            )
        }
    }

    /// The key queues have what the model has, and every key that can go on is in line (R4).
    func checkQueues() throws(SimulationViolation) {
        guard !hasEnded else { return }
        var count = 0
        var readyCount = 0
        for line in model.lines[slot] where !line.queue.isEmpty {
            count += line.queue.count
            if line.state == .ready { readyCount += 1 }
        }
        var inQueues = 0
        var ready = 0
        // By index: a loop over the elements would copy them.
        for shard in queues.indices {
            inQueues += queues[shard].count
            ready += queues[shard].readyCount
        }
        try require(
            inQueues == count,
            .conservation,
            "member \(slot) has \(inQueues) messages in its queues instead of \(count)"
        )
        try require(
            ready == readyCount,
            .progress,
            "member \(slot) has \(ready) keys in line instead of \(readyCount)"
        )
        try require(held <= setup.messageLimit, .bounds, "member \(slot) has \(held) messages in hand")
    }
}
