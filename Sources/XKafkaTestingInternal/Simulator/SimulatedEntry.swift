import XKafkaEngine
import XKafkaOffsets

/// One assigned partition as a member has it.
final class SimulatedEntry {
    let assignment: ModelAssignment
    var state: PartitionState
    var isFeeding: Bool
    /// Where the next fetch begins.
    var position: Int64
    var reportedEnd: Int64 = -1
    /// Which of the partition's logs is fetched, and the offset of the last message that was taken, or before the end that
    /// was reached.
    var generation: Int
    var lastOffset: Int64 = -1
    var committed: CompletionMap?
    var committedVersion = 0
    /// For telling it of the end of the last message once more when it is over.
    var lastDelivery: OffsetTracker.Delivery?

    init(_ assignment: ModelAssignment, position: Int64, generation: Int, isFeeding: Bool) {
        self.generation = generation
        self.assignment = assignment
        self.position = position
        self.isFeeding = isFeeding
        state = PartitionState(startingAt: assignment.start, finished: assignment.inherited)
        committed = assignment.start.map { assignment.inherited ?? CompletionMap(frontier: $0, ranges: []) }
    }

    var partition: Int { assignment.partition }

    var isDirty: Bool {
        guard let frontier = state.tracker.frontier else { return false }
        return frontier != committed?.frontier || state.progressVersion > committedVersion
    }
}
