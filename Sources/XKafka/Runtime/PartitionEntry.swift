import Synchronization
import XKafkaCore
import XKafkaTransport

/// What the consumer thread keeps about one assigned partition. Never leaves the thread, except for
/// `announcement`.
final class PartitionEntry {
    let assigned: AssignedPartition
    let announcement = Announcement()
    /// Where librdkafka puts the partition's messages; `nil` once the partition is given back.
    var queue: EventQueue?
    /// Whether messages are taken.
    var isFeeding: Bool
    /// Whether there may be messages: from the announcement of one until a look finds nothing. A new
    /// queue may hold messages whose announcement went to its predecessor, so it starts out ready.
    var isReady = true
    /// Whether `isReady` comes from the sweep alone.
    var isSwept = false
    /// How many bytes the messages of the last batch had at most: what the next ones are taken to have.
    var bytesEach = 4_096
    /// The offset that is known to be committed, or saved.
    var committed: Int64?

    init(_ assigned: AssignedPartition, isFeeding: Bool, committed: Int64?) {
        self.assigned = assigned
        self.isFeeding = isFeeding
        self.committed = committed
    }

    var topicPartition: TopicPartition { assigned.topicPartition }

    /// The offset to commit now, if it is beyond what is committed.
    var uncommitted: TopicPartitionOffset? {
        guard let frontier = assigned.frontier, frontier > committed ?? -1 else { return nil }
        return TopicPartitionOffset(topicPartition, offset: frontier)
    }

    func close(into report: inout DrainReport) {
        isFeeding = false
        queue = nil
        assigned.close(into: &report)
    }

    /// Set by librdkafka's threads when the queue gets its first message.
    final class Announcement: Sendable {
        private let isSet = Atomic<Bool>(false)

        func set() {
            isSet.store(true, ordering: .releasing)
        }

        /// Whether it was set since the last time.
        func take() -> Bool {
            // A load first: an exchange on every turn would cost the partitions that are quiet.
            isSet.load(ordering: .relaxed) && isSet.exchange(false, ordering: .acquiringAndReleasing)
        }
    }
}
