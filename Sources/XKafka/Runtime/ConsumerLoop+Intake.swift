import Logging
import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaOffsets
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

    /// How long a partition that has plenty in hand waits until it is worth its turn.
    static let patience = Duration.milliseconds(5)

    /// Gives each partition that has messages, and for which there is room, one turn. Answers whether
    /// any message was taken.
    func takeMessages(_ now: ContinuousClock.Instant) -> Bool {
        guard !runtime.intake.isPaused else { return false }
        var tookMessages = false
        var lackedRoom = false
        nextTurnTime = nil
        runtime.credit.beginLooking()
        for _ in turns.indices {
            nextTurn = nextTurn + 1 < turns.count ? nextTurn + 1 : 0
            let entry = turns[nextTurn]
            if entry.announcement.take() {
                entry.isReady = true
                entry.isSwept = false
            }
            guard entry.isReady, entry.isFeeding, let queue = entry.queue else { continue }
            let load = entry.assigned.load
            let room = room(for: entry, load)
            guard room > 0 else {
                lackedRoom = true
                continue
            }
            // A few messages at a time cost much more each. Whoever has as much in hand does not run out meanwhile.
            guard room >= min(load.held, Self.turnLimit) || now >= entry.lastTurn + Self.patience else {
                lackedRoom = true
                nextTurnTime = entry.lastTurn + Self.patience
                continue
            }
            guard let batch = client.takeMessages(from: queue, limit: room) else {
                entry.isReady = false
                continue
            }
            tookMessages = true
            entry.lastTurn = now
            noteSweepFind(entry)
            deliver(batch, of: entry)
            workers.wake()
        }
        runtime.credit.endLooking(lackedRoom: lackedRoom)
        return tookMessages
    }

    func room(for entry: PartitionEntry) -> Int { room(for: entry, entry.assigned.load) }

    private func room(for entry: PartitionEntry, _ load: (held: Int, span: Int64)) -> Int {
        let untracked = Int(clamping: runtime.processing.maxTrackedOffsets - load.span)
        let partitionRoom = runtime.partitionLimit.load(ordering: .relaxed) - load.held
        return min(Self.turnLimit, untracked, partitionRoom, runtime.credit.room(bytesEach: entry.bytesEach))
    }

    private func deliver(_ messages: MessageBatch, of entry: PartitionEntry) {
        let now = ContinuousClock.now
        var largest = 1
        for index in 0..<messages.count { largest = max(largest, messages.byteCount(at: index)) }
        entry.bytesEach = largest
        let steps = IntakePlan.steps(for: messages.count, after: &entry.lastOffset) { index in
            guard messages.isMessage(at: index) else {
                let failure = messages.failure(at: index, of: entry.topicPartition)
                return failure.flatMap { $0.error.code == .partitionEnd ? .end(offset: $0.offset) : nil } ?? .failure
            }
            return .message(offset: messages.offset(at: index))
        }
        for step in steps {
            switch step {
            case .handOver(let places): handOver(places, of: messages, entry, now)
            case .note(let index):
                if let failure = messages.failure(at: index, of: entry.topicPartition) { note(failure, entry) }
            case .restart(let lastOffset): restart(entry, after: lastOffset)
            }
        }
        if entry.hasReachedEnd { entry.isFeeding = false }
    }

    /// Gives the messages of some places to the workers, as far as they are meant to be read.
    private func handOver(
        _ places: Range<Int>,
        of messages: MessageBatch,
        _ entry: PartitionEntry,
        _ now: ContinuousClock.Instant
    ) {
        var arrived: [DeliveredBatch.Place] = []
        arrived.reserveCapacity(places.count)
        for index in places {
            let offset = messages.offset(at: index)
            guard !entry.noteReached(offset) else { continue }
            let key = messages.key(at: index)
            let (shard, queue) = runtime.plan.routing.place(keyBytes: key, offset: offset, of: entry.assigned)
            arrived.append(
                .init(
                    index: Int32(index),
                    bytes: Int32(clamping: messages.byteCount(at: index)),
                    offset: offset,
                    shard: shard,
                    queue: queue,
                    delivery: .none
                )
            )
        }
        handOver(&arrived, of: messages, entry, now)
    }

    /// Gives messages that have arrived to the workers.
    private func handOver(
        _ arrived: inout [DeliveredBatch.Place],
        of messages: MessageBatch,
        _ entry: PartitionEntry,
        _ now: ContinuousClock.Instant
    ) {
        guard !arrived.isEmpty else { return }
        noteSignOfLife()
        // What was finished before, by an earlier owner, is left out; that may have moved the frontier.
        if entry.assigned.deliver(&arrived) { noteUncommitted() }
        let bytes = arrived.reduce(0) { $0 + Int($1.bytes) }
        runtime.credit.take(messages: arrived.count, bytes: bytes)
        func batch(_ places: [DeliveredBatch.Place]) -> DeliveredBatch {
            DeliveredBatch(places, in: messages, of: entry.assigned, receivedAt: now)
        }
        if let keyExtraction = runtime.keyExtraction {
            let batch = batch(arrived)
            keyExtraction.submit(arrived.indices.map { item($0, of: batch) })
        } else if entry.bytesEach < Self.copiedSize {
            let batch = batch(shardSort.sort(arrived))
            shardSort.forEachShard { workers.submit(DeliveredBatch.Part($1, of: batch), shard: $0) }
        } else {
            let batch = batch(arrived)
            for (index, place) in arrived.enumerated() {
                workers.submit(item(index, of: batch), key: place.queue, shard: place.shard)
            }
        }
    }

    private func item(_ index: Int, of batch: DeliveredBatch) -> WorkItem {
        var item = WorkItem(index, of: batch)
        if item.bytes >= Self.copiedSize { item.context = item.context.copied() }
        return item
    }

    private func note(_ failure: MessageBatch.Failure, _ entry: PartitionEntry) {
        guard failure.error.code == .partitionEnd else { return note(failure.error) }
        noteSignOfLife()
        if entry.assigned.passOver(to: min(failure.offset, entry.end ?? failure.offset)) { noteUncommitted() }
        _ = entry.noteReached(failure.offset)
    }

    /// Offsets go up within a log. When they do not, the topic was made anew, or its log was cut: the
    /// offsets mean other messages now, and none of them may be taken for one that was handled (R1).
    private func restart(_ entry: PartitionEntry, after lastOffset: Int64) {
        runtime.logger.warning(
            "xkafka reads a partition anew because its log was reset",
            metadata: ["partition": "\(entry.topicPartition)", "last_offset": "\(lastOffset)"]
        )
        let old = entry.assigned
        // No handler has them: they are not among those that are given up.
        for item in workers.removeAll(where: { $0.partition === old }) { runtime.end(item, .returned) }
        runtime.publications.cancel([ObjectIdentifier(old)])
        epochs += 1
        entry.restart(
            as: AssignedPartition(entry.topicPartition, epoch: epochs, startingAt: nil, finished: nil),
            report: &report
        )
    }

    // MARK: Sweep

    /// Copies messages out of their fetches that have waited for some time. One that waits behind its key would
    /// otherwise keep a thousand others in memory that were fetched with it and are done, and which no budget knows (R6).
    func copyWaiting(_ now: ContinuousClock.Instant) {
        guard now >= nextCopy else { return }
        nextCopy = now + Self.copyInterval
        workers.replace { $0.copied(ifReceivedBefore: now - Self.copyInterval) }
    }

    /// Looks whether a message that was taken to be quick is not, so that others do not wait for it.
    func lookAtRuns(_ now: ContinuousClock.Instant) {
        guard now >= nextLookAtRuns else { return }
        nextLookAtRuns = now + Self.runInterval
        workers.queueStalledRuns()
    }

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
