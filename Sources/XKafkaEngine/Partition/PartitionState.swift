package import XKafkaOffsets

/// What happens to one assigned partition, from its assignment until it is given back.
///
/// A value without locks or clocks. Each delivered message ends in exactly one of the counts of
/// ``Ledger`` (R3); after ``close()`` nothing changes any more (R8).
package struct PartitionState: Sendable {
    package enum Phase: Sendable {
        /// Messages are taken and handlers start.
        case active
        /// Nothing new starts; handlers that run may end.
        case draining
        /// Given back. Whatever still ends is ignored.
        case closed
    }

    /// Where the delivered messages went.
    package struct Ledger: Sendable, Equatable {
        package var delivered = 0
        package var completed = 0
        /// Given up, and acknowledged by the brokers as a dead letter (R7).
        package var deadLettered = 0
        /// Taken from librdkafka, but no handler had it when the partition was given up. The next
        /// owner reads it again.
        package var returned = 0
        /// A handler was told to stop and did, without completing.
        package var cancelled = 0
        /// A handler was still running when the partition was given back.
        package var abandoned = 0

        package var isBalanced: Bool {
            delivered == completed + deadLettered + returned + cancelled + abandoned
        }
    }

    /// How a message that a worker had ended.
    package enum Ending: Sendable {
        case completed
        /// Its dead letter was acknowledged: as good as completed.
        case deadLettered
        /// Its handler was told to stop, and ended without completing.
        case cancelled
        /// No handler was started, or one failed and no further attempt was: it is left to the next
        /// owner.
        case returned
    }

    /// What the shell has to do after an event.
    package struct Effects: Sendable, Equatable {
        /// A message was completed or dead-lettered: there is something new to commit.
        package var madeProgress = false
        /// The last message in hand has ended while draining.
        package var isDrained = false

        package init(madeProgress: Bool = false, isDrained: Bool = false) {
            self.madeProgress = madeProgress
            self.isDrained = isDrained
        }
    }

    package private(set) var phase = Phase.active
    package private(set) var tracker: OffsetTracker
    package private(set) var ledger = Ledger()
    /// Messages delivered and not ended: queued, running or waiting to be tried again.
    package private(set) var held = 0
    /// The bytes of their keys and values.
    package private(set) var heldBytes = 0
    /// Messages that an earlier owner had finished, and that were not handed out again.
    package private(set) var skipped = 0
    /// The offsets whose handlers were cancelled and stopped without completing.
    package private(set) var cancelledOffsets: [Int64] = []
    /// The offsets that were taken from librdkafka and handed back unworked.
    private var returnedOffsets: Set<Int64> = []

    /// What an earlier owner had finished beyond the position.
    private var finishedBefore: CompletionMap?

    /// A partition that is read from `position` on, if that is known, except for what is finished
    /// already.
    package init(startingAt position: Int64?, finished: CompletionMap? = nil) {
        tracker = OffsetTracker(startingAt: position)
        finishedBefore = finished
        #if SimulatedDefects
            if SimulatedDefect.finishedIsHandedOutAgain.isOn { finishedBefore = nil }
        #endif
    }

    /// A number that grows with each message that is done, so that more completions beyond the same
    /// frontier are seen to be something to commit.
    package var progressVersion: Int { ledger.completed + ledger.deadLettered + skipped }

    /// What is done beyond the frontier, by this owner and, further on, by an earlier one; `nil` while
    /// there is no frontier.
    package var completionMap: CompletionMap? {
        #if SimulatedDefects
            if SimulatedDefect.inheritedCompletionsAreForgotten.isOn { return tracker.completionMap }
        #endif
        guard let own = tracker.completionMap, let finishedBefore else { return tracker.completionMap }
        // The frontier is further on than that where the partition holds nothing more.
        let next = max((tracker.highestDelivered ?? -1) + 1, own.frontier)
        let inherited = finishedBefore.ranges.compactMap { range in
            range.upperBound > next ? max(range.lowerBound, next)..<range.upperBound : nil
        }
        guard let last = own.ranges.last, let first = inherited.first, last.upperBound == first.lowerBound else {
            return CompletionMap(frontier: own.frontier, ranges: own.ranges + inherited)
        }
        let joined = last.lowerBound..<first.upperBound
        return CompletionMap(
            frontier: own.frontier,
            ranges: own.ranges.dropLast() + [joined] + inherited.dropFirst()
        )
    }

    /// Takes a message in. `nil` when it was delivered or finished before, or when nothing is taken any
    /// more.
    package mutating func deliver(_ offset: Int64, bytes: Int) -> OffsetTracker.Delivery? {
        guard phase == .active, let delivery = tracker.deliver(offset) else { return nil }
        if let map = finishedBefore {
            if offset < map.frontier {
                // The log was reset: the offsets mean other messages now.
                finishedBefore = nil
            } else if map.contains(offset) {
                // Done, and to be remembered as done in the commits to come.
                _ = tracker.complete(delivery)
                skipped += 1
                return nil
            }
        }
        ledger.delivered += 1
        held += 1
        heldBytes += bytes
        return delivery
    }

    /// Notes how a message ended.
    package mutating func end(
        _ delivery: OffsetTracker.Delivery,
        offset: Int64,
        bytes: Int,
        _ ending: Ending
    ) -> Effects {
        #if SimulatedDefects
            guard phase != .closed || SimulatedDefect.staleEndsCount.isOn else { return Effects() }
        #else
            guard phase != .closed else { return Effects() }
        #endif
        held -= 1
        heldBytes -= bytes
        var effects = Effects()
        switch ending {
        case .completed:
            ledger.completed += 1
            _ = tracker.complete(delivery)
            effects.madeProgress = true
        case .deadLettered:
            ledger.deadLettered += 1
            #if SimulatedDefects
                if SimulatedDefect.deadLettersHoldTheFrontier.isOn { break }
            #endif
            _ = tracker.complete(delivery)
            effects.madeProgress = true
        case .cancelled:
            ledger.cancelled += 1
            cancelledOffsets.append(offset)
        case .returned:
            ledger.returned += 1
            returnedOffsets.insert(offset)
            #if SimulatedDefects
                if SimulatedDefect.returnedCountsAsDone.isOn { _ = tracker.complete(delivery) }
            #endif
        }
        effects.isDrained = phase == .draining && held == 0
        return effects
    }

    /// Notes that the partition holds nothing undelivered before `position`. Progress that has to wait
    /// for messages in hand is reported when the last of them ends.
    package mutating func passOver(to position: Int64) -> Effects {
        guard phase == .active else { return Effects() }
        return Effects(madeProgress: tracker.passOver(to: position))
    }

    /// Stops taking messages and starting handlers. Answers whether nothing is in hand already.
    package mutating func drain() -> Bool {
        if phase == .active { phase = .draining }
        return held == 0
    }

    /// Ends everything. What is still in hand is abandoned; its offsets are answered.
    package mutating func close() -> [Int64] {
        guard phase != .closed else { return [] }
        phase = .closed
        // Cancelled and returned messages hold the frontier too, but nobody works on them.
        let ended = returnedOffsets.union(cancelledOffsets)
        let abandoned = held == 0 ? [] : tracker.outstandingOffsets.filter { !ended.contains($0) }
        ledger.abandoned += held
        #if SimulatedDefects
            if SimulatedDefect.ledgerIsOffByOne.isOn, held > 1 { ledger.abandoned -= 1 }
        #endif
        held = 0
        heldBytes = 0
        return abandoned
    }
}
