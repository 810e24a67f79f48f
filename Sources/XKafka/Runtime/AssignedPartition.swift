import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaOffsets
import XKafkaWorkers

/// One partition during one assignment, as the consumer thread and the workers share it.
final class AssignedPartition: Sendable {
    let source: MessageSource
    /// Makes equal keys of different partitions different to the workers, so that no partition waits
    /// for another. The same in every assignment: a key waits for its handler of an earlier one, if that
    /// still runs (R2).
    let keySeed: UInt64

    private let state: Mutex<PartitionState>
    /// Whether handlers may start; a copy of `phase == .active` that can be read without the lock.
    private let isOpen = Atomic<Bool>(true)

    init(_ topicPartition: TopicPartition, epoch: UInt64, startingAt position: Int64?, finished: CompletionMap?) {
        source = MessageSource(topicPartition: topicPartition, epoch: epoch)
        keySeed = source.fallbackKey.withUnsafeBytes { FNV1a.hash64($0) }
        state = Mutex(PartitionState(startingAt: position, finished: finished))
    }

    var topicPartition: TopicPartition { source.topicPartition }

    /// Whether a handler may be started for a message of this partition.
    var mayStart: Bool { isOpen.load(ordering: .acquiring) }

    /// How many messages are in hand.
    var held: Int { state.withLock { $0.held } }

    /// How many messages are in hand, and how far beyond the frontier the partition was read.
    var load: (held: Int, span: Int64) { state.withLock { ($0.held, $0.tracker.span) } }

    /// What there is to commit: what is done, and a number that grows with it. `nil` while no frontier
    /// is known.
    var progress: (map: CompletionMap, version: Int)? {
        state.withLock { state in state.completionMap.map { ($0, state.progressVersion) } }
    }

    /// The version of `progress`, and its frontier, without the work of making the map.
    var progressMark: (frontier: Int64?, version: Int) {
        state.withLock { ($0.tracker.frontier, $0.progressVersion) }
    }

    /// Everything that is counted, as of one moment.
    var standing: Standing {
        state.withLock { state in
            Standing(
                frontier: state.tracker.frontier,
                highestDelivered: state.tracker.highestDelivered,
                held: state.held,
                heldBytes: state.heldBytes,
                outstanding: state.tracker.outstanding,
                completedBeyondFrontier: state.tracker.completedBeyondFrontier,
                ledger: state.ledger
            )
        }
    }

    struct Standing {
        let frontier: Int64?
        let highestDelivered: Int64?
        let held: Int
        let heldBytes: Int
        /// How many delivered messages are not done, those that were handed back included.
        let outstanding: Int
        let completedBeyondFrontier: Int
        let ledger: PartitionState.Ledger
    }

    /// Takes messages in, and leaves out those that must not be worked on. Answers whether there were any.
    func deliver(_ places: inout [DeliveredBatch.Place]) -> Bool {
        if let first = places.first { source.noteDelivered(first.offset) }
        return state.withLock { state in
            var kept = 0
            for index in places.indices {
                guard let delivery = state.deliver(places[index].offset, bytes: Int(places[index].bytes)) else {
                    continue
                }
                places[index].delivery = delivery
                if kept < index { places[kept] = places[index] }
                kept += 1
            }
            defer { places.removeLast(places.count - kept) }
            return kept < places.count
        }
    }

    /// Notes that nothing that was not delivered lies before `position`. Answers whether there is something
    /// new to commit.
    func passOver(to position: Int64) -> Bool {
        state.withLock { $0.passOver(to: position).madeProgress }
    }

    /// Notes how a message ended. Answers what that changed.
    func end(_ item: WorkItem, _ ending: PartitionState.Ending) -> PartitionState.Effects {
        state.withLock { $0.end(item.delivery, offset: item.offset, bytes: item.bytes, ending) }
    }

    /// Notes that messages were completed. Answers what that changed.
    func complete(_ places: ArraySlice<DeliveredBatch.Place>) -> PartitionState.Effects {
        state.withLock { state in
            places.reduce(into: PartitionState.Effects()) { effects, place in
                effects = state.end(place.delivery, offset: place.offset, bytes: Int(place.bytes), .completed)
            }
        }
    }

    /// Lets no further handler start. Answers whether nothing is in hand.
    func drain() -> Bool {
        isOpen.store(false, ordering: .releasing)
        return state.withLock { $0.drain() }
    }

    /// Whether nothing is in hand.
    var isIdle: Bool { held == 0 }

    /// Ends everything, and adds what became of the messages to `report`. `committed` is what the last
    /// commit said of the completions beyond its offset.
    func close(into report: inout DrainReport, committed: CompletionMap?) {
        isOpen.store(false, ordering: .releasing)
        let (final, abandoned) = state.withLock { state in
            let abandoned = state.close()
            return (state, abandoned)
        }
        let ledger = final.ledger
        report.completed += ledger.completed
        report.deadLettered += ledger.deadLettered
        report.toBeRepeated += final.tracker.countCompleted(notIn: committed)
        report.returned += ledger.returned
        report.cancelled += final.cancelledOffsets.map { TopicPartitionOffset(topicPartition, offset: $0) }
        report.abandoned += abandoned.map { TopicPartitionOffset(topicPartition, offset: $0) }
    }
}
