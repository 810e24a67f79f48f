import DequeModule

/// Which of a partition's delivered messages are done, and how far it may be committed.
///
/// Only offsets that were *delivered* count. What a partition skips (transaction markers, aborted
/// or compacted records) is never in the window and so never holds the frontier (R5). The
/// frontier never goes backwards (R11) and never passes a delivered message that is not done (R1).
package struct OffsetTracker: Sendable {
    /// Names one delivered message: its place in the order of delivery, counted from 0.
    package struct Delivery: Sendable, Hashable {
        fileprivate let index: Int

        /// Not delivered yet; names no message.
        package static let none = Delivery(index: -1)
    }

    /// The delivered messages from the oldest that is not done onwards, in order of delivery. A
    /// message that is done is kept as the complement of its offset (offsets are never negative),
    /// so that a window of a million messages costs 8 bytes for each.
    private var window: Deque<Int64> = []

    /// The `Delivery.index` of the first element of `window`.
    private var windowStart = 0

    /// How many messages of `window` are not done.
    package private(set) var outstanding = 0

    /// The next offset to commit: everything before it is done. `nil` until the first delivery of
    /// a partition that started at a position nobody named as a number.
    package private(set) var frontier: Int64?

    /// The highest offset delivered so far.
    package private(set) var highestDelivered: Int64?

    /// Where the frontier goes once nothing is open, if it is not there already: the partition holds
    /// nothing before it that was not delivered.
    private var passedOver: Int64?

    /// A tracker for a partition that is read from `position` on, if that is known.
    package init(startingAt position: Int64? = nil) {
        frontier = position
    }

    /// How many offsets lie between the frontier and the highest delivered one: the span whose
    /// completions may have to be remembered.
    package var span: Int64 {
        guard let frontier, let highestDelivered, highestDelivered >= frontier else { return 0 }
        return highestDelivered - frontier + 1
    }

    /// Notes that the message at `offset` was delivered.
    ///
    /// Answers `nil` when `offset` is not beyond everything delivered before: the message is a
    /// repetition (librdkafka may fetch again after a reconnect) and must not be worked on again.
    package mutating func deliver(_ offset: Int64) -> Delivery? {
        // Before the first delivery the frontier is only where reading was to start. When the log does
        // not reach that far any more (it was deleted and made anew), reading starts further down.
        guard offset >= 0, offset < .max, offset > highestDelivered ?? -1 else { return nil }
        highestDelivered = offset
        // Either the frontier goes beyond that position anyway now, or it was wrong about this message.
        passedOver = nil
        window.append(offset)
        outstanding += 1
        #if SimulatedDefects
            if SimulatedDefect.gapsHoldTheFrontier.isOn, let frontier, frontier < offset, windowStart > 0 {
                return Delivery(index: windowStart + window.count - 1)
            }
        #endif
        // Nothing older is open: whatever the partition skipped before this message is passed.
        if window.count == 1 { frontier = offset }
        return Delivery(index: windowStart + window.count - 1)
    }

    /// Notes that a delivered message is done. Answers whether the frontier moved.
    ///
    /// A message that was already done changes nothing.
    package mutating func complete(_ delivery: Delivery) -> Bool {
        let index = delivery.index - windowStart
        guard window.indices.contains(index), window[index] >= 0 else { return false }
        window[index] = ~window[index]
        outstanding -= 1
        #if SimulatedDefects
            if SimulatedDefect.frontierPassesRunningMessages.isOn { frontier = ~window[index] + 1 }
        #endif
        guard index == 0 else { return false }
        advance()
        return true
    }

    /// Notes that the partition holds nothing before `position` that was not delivered, so that an
    /// idle partition that ends in records nobody delivers is committed to its end. Answers
    /// whether the frontier moved.
    ///
    /// While messages are open the position is kept: the frontier reaches it with the last of them (R5).
    package mutating func passOver(to position: Int64) -> Bool {
        guard position > highestDelivered ?? -1, position > frontier ?? -1 else { return false }
        guard window.isEmpty else {
            #if SimulatedDefects
                if SimulatedDefect.endOfPartitionIsForgotten.isOn { return false }
            #endif
            passedOver = max(passedOver ?? position, position)
            return false
        }
        frontier = position
        return true
    }

    /// The offsets of the delivered messages that are not done, lowest first.
    package var outstandingOffsets: [Int64] {
        window.filter { $0 >= 0 }
    }

    /// How many messages beyond the frontier are done.
    package var completedBeyondFrontier: Int { window.count - outstanding }

    /// How many messages beyond the frontier are done and not in `map`.
    package func countCompleted(notIn map: CompletionMap?) -> Int {
        window.count { $0 < 0 && !(map?.contains(~$0) ?? false) }
    }

    /// What is done beyond the frontier; `nil` while there is no frontier.
    ///
    /// Offsets between two finished messages that were never delivered count as done: whoever reads the
    /// partition next has as little reason to wait for them.
    package var completionMap: CompletionMap? {
        guard let frontier else { return nil }
        var ranges: [Range<Int64>] = []
        var current: Range<Int64>?
        for entry in window {
            if entry < 0 {
                current = (current?.lowerBound ?? ~entry)..<(~entry + 1)
            } else if let finished = current {
                ranges.append(finished)
                current = nil
            }
        }
        if let current { ranges.append(current) }
        return CompletionMap(frontier: frontier, ranges: ranges)
    }

    private mutating func advance() {
        while let first = window.first, first < 0 {
            window.removeFirst()
            windowStart += 1
            frontier = ~first + 1
        }
        // The next open message, not merely the offset after the last finished one: the offsets
        // between them were never delivered and hold nothing.
        #if SimulatedDefects
            if SimulatedDefect.gapsHoldTheFrontier.isOn, !window.isEmpty { return }
        #endif
        if let first = window.first {
            frontier = first
        } else if let passedOver {
            frontier = passedOver
            self.passedOver = nil
        }
    }
}
