import Logging
import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaTransport
import XKafkaWorkers

/// Taking messages from librdkafka and handing them to the workers.
extension ConsumerLoop {
    /// How many messages one partition may hand over before it is the next one's turn.
    static let turnLimit = 500
    /// From which size on a message is copied out of its fetch. It would otherwise keep all of that in memory
    /// for as long as its handler, or the queue of its key, takes. Small ones are not worth it: many of them
    /// go together, and soon.
    static let copiedSize = 16_384

    /// Gives each partition that has messages, and for which there is room, one turn. Answers whether
    /// any message was taken.
    func takeMessages() -> Bool {
        guard !runtime.intake.isPaused else { return false }
        var tookMessages = false
        var lackedRoom = false
        runtime.credit.beginLooking()
        for _ in turns.indices {
            nextTurn = nextTurn + 1 < turns.count ? nextTurn + 1 : 0
            let entry = turns[nextTurn]
            if entry.announcement.take() {
                entry.isReady = true
                entry.isSwept = false
            }
            guard entry.isReady, entry.isFeeding, let queue = entry.queue else { continue }
            let room = room(for: entry)
            guard room > 0 else {
                lackedRoom = true
                continue
            }
            guard let batch = client.takeMessages(from: queue, limit: room) else {
                entry.isReady = false
                continue
            }
            tookMessages = true
            noteSweepFind(entry)
            deliver(batch, of: entry)
            workers.wake()
        }
        runtime.credit.endLooking(lackedRoom: lackedRoom)
        return tookMessages
    }

    private func room(for entry: PartitionEntry) -> Int {
        let load = entry.assigned.load
        let untracked = Int(clamping: runtime.processing.maxTrackedOffsets - load.span)
        let partitionRoom = runtime.partitionLimit.load(ordering: .relaxed) - load.held
        return min(Self.turnLimit, untracked, partitionRoom, runtime.credit.room(bytesEach: entry.bytesEach))
    }

    private func deliver(_ batch: MessageBatch, of entry: PartitionEntry) {
        let now = ContinuousClock.now
        var largest = 1
        let keyExtraction = runtime.keyExtraction
        var withoutKey: [WorkItem] = []
        var hasSkipped = false
        batch.forEach(from: entry.assigned.source) { item in
            switch item {
            case .message(let message):
                largest = max(largest, message.byteCount)
                if message.offset <= entry.lastOffset { restart(entry) }
                entry.lastOffset = message.offset
                guard !entry.noteReached(message.offset) else { return }
                guard let delivery = entry.assigned.deliver(message) else {
                    // Finished before, by an earlier owner: that may have moved the frontier.
                    hasSkipped = true
                    return
                }
                let message = message.byteCount >= Self.copiedSize ? message.copied() : message
                runtime.credit.take(bytes: message.byteCount)
                let place = runtime.plan.routing.place(message, of: entry.assigned)
                let item = WorkItem(
                    context: ConsumeContext(
                        message,
                        logicalKey: place.logicalKey,
                        shard: place.shard,
                        attempt: 1,
                        receivedAt: now
                    ),
                    partition: entry.assigned,
                    delivery: delivery,
                    bytes: message.byteCount
                )
                if keyExtraction == nil {
                    workers.submit(item, key: place.queue, shard: place.shard)
                } else {
                    withoutKey.append(item)
                }
            case .failure(let error, let offset) where error.code == .partitionEnd:
                if entry.assigned.passOver(to: min(offset, entry.end ?? offset)) { noteUncommitted() }
                // A message below the end is one of another log.
                entry.lastOffset = max(entry.lastOffset, offset - 1)
                _ = entry.noteReached(offset)
            case .failure(let error, _):
                note(error)
            }
        }
        if hasSkipped { noteUncommitted() }
        keyExtraction?.submit(withoutKey)
        entry.bytesEach = largest
        if entry.hasReachedEnd { entry.isFeeding = false }
    }

    /// Offsets go up within a log. When they do not, the topic was made anew, or its log was cut: the
    /// offsets mean other messages now, and none of them may be taken for one that was handled (R1).
    private func restart(_ entry: PartitionEntry) {
        runtime.logger.warning(
            "xkafka reads a partition anew because its log was reset",
            metadata: ["partition": "\(entry.topicPartition)", "last_offset": "\(entry.lastOffset)"]
        )
        let old = entry.assigned
        let dropped = workers.removeAll { $0.partition === old }
        runtime.publications.cancel([ObjectIdentifier(old)])
        epochs += 1
        entry.restart(
            as: AssignedPartition(entry.topicPartition, epoch: epochs, startingAt: nil, finished: nil),
            report: &report
        )
        for item in dropped { runtime.end(item, .returned) }
    }

    // MARK: Sweep

    /// Looks at every partition from time to time although nothing was announced.
    ///
    /// librdkafka announces a message only when it is the first in its queue, and some versions lose
    /// that across a reassignment, which would silence a partition for ever. What is found is counted,
    /// because it should be nothing.
    func sweep(_ now: ContinuousClock.Instant) {
        guard now >= nextSweep else { return }
        nextSweep = now + Self.sweepInterval
        for entry in turns where !entry.isReady {
            entry.isReady = true
            entry.isSwept = true
        }
    }

    private func noteSweepFind(_ entry: PartitionEntry) {
        guard entry.isSwept else { return }
        entry.isSwept = false
        // The announcement comes with the message: had there been one, it would be here by now.
        if !entry.announcement.take() {
            runtime.sweepFinds.add(1, ordering: .relaxed)
            runtime.logger.debug(
                "xkafka found messages that were not announced",
                metadata: ["partition": "\(entry.topicPartition)"]
            )
        }
    }
}
