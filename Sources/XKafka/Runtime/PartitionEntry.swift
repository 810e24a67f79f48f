import Synchronization
import XKafkaCore
import XKafkaOffsets
import XKafkaTransport

/// What the consumer thread keeps about one assigned partition. Never leaves the thread, except for
/// `announcement`.
final class PartitionEntry {
    private(set) var assigned: AssignedPartition
    /// The offset of the last message that was taken, or before the end that was reached.
    var lastOffset: Int64 = -1
    let announcement = Announcement()
    /// Where librdkafka puts the partition's messages; `nil` once the partition is given back.
    var queue: EventQueue?
    /// Whether messages are taken.
    var isFeeding: Bool
    /// Whether there may be messages: from the announcement of one until a look finds nothing. A new
    /// queue may hold messages whose announcement went to its predecessor, so it starts out ready.
    var isReady = true
    /// When messages were taken last.
    var lastTurn = ContinuousClock.now
    /// Whether `isReady` comes from the sweep alone.
    var isSwept = false
    /// How many bytes the messages of the last batch had at most: what the next ones are taken to have.
    var bytesEach = 4_096
    /// What is known to be committed, or saved: the offset, and with it the completions beyond it.
    var committed: CompletionMap?
    /// The offset at which reading stops; `nil` when it goes on.
    let end: Int64?
    /// Whether there is nothing more to take, since reading stops at ``end``.
    private(set) var hasReachedEnd = false
    /// When the partition was to be given back.
    var drainStart: ContinuousClock.Instant?
    /// Where the frontier stands, and since when, as far as somebody looked.
    private var stand: (frontier: Int64?, since: ContinuousClock.Instant)?
    /// The attempt that was last seen to run while it held the frontier, and when it was first seen.
    private var sighting: (offset: Int64, attempt: Int, since: ContinuousClock.Instant)?
    /// The version of the progress that was committed.
    private var committedVersion = 0
    private(set) var isClosed = false

    init(_ assigned: AssignedPartition, isFeeding: Bool, committed: CompletionMap?, end: Int64? = nil) {
        self.end = end
        self.assigned = assigned
        self.isFeeding = isFeeding
        self.committed = committed
    }

    var topicPartition: TopicPartition { assigned.topicPartition }

    /// Whether there is something to commit: another frontier, or more completions beyond it.
    var isDirty: Bool {
        let (frontier, version) = assigned.progressMark
        return frontier != nil && (frontier != committed?.frontier || version > committedVersion)
    }

    /// Whether there is another frontier. Usually it has moved up; it lies further down only when the
    /// log was reset.
    var hasNewFrontier: Bool {
        let frontier = assigned.progressMark.frontier
        return frontier != nil && frontier != committed?.frontier
    }

    /// Notes that everything before `offset` was taken, or does not exist. Answers whether reading stops there.
    func noteReached(_ offset: Int64) -> Bool {
        guard let end, offset >= end else { return false }
        hasReachedEnd = true
        return true
    }

    func noteCommitted(_ map: CompletionMap, version: Int) {
        committed = map
        committedVersion = version
    }

    /// Notes where the frontier stands, and whether messages are in hand that it waits for.
    func note(frontier: Int64?, isWaiting: Bool, at now: ContinuousClock.Instant) {
        guard isWaiting else {
            stand = nil
            return
        }
        if let stand, stand.frontier == frontier { return }
        stand = (frontier, now)
    }

    /// How long the frontier has been waiting for the same message.
    func frontierAge(at now: ContinuousClock.Instant) -> Duration {
        stand.map { max(.zero, $0.since.duration(to: now)) } ?? .zero
    }

    /// Notes that the handler of the message that holds the frontier runs. Answers since when that was seen.
    func sight(offset: Int64, attempt: Int, at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        if let sighting, sighting.offset == offset, sighting.attempt == attempt { return sighting.since }
        sighting = (offset, attempt, now)
        return now
    }

    /// Begins anew after the partition's log was reset; what the earlier assignment had in hand is left
    /// to its handlers, whose ends change nothing any more.
    func restart(as restarted: AssignedPartition, report: inout DrainReport) {
        assigned.close(into: &report, committed: committed)
        assigned = restarted
        committed = nil
        committedVersion = 0
        stand = nil
        sighting = nil
    }

    /// Ends everything and adds what became of the messages to `report`. Only the first call does anything.
    func close(into report: inout DrainReport) {
        guard !isClosed else { return }
        isClosed = true
        isFeeding = false
        queue = nil
        assigned.close(into: &report, committed: committed)
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
