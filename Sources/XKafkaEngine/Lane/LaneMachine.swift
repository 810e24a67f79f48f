import DequeModule

#if SimulatedDefects
    import XKafkaOffsets
#endif

/// Decides when a producer's messages may be sent so that their order holds (R9), and in which order their
/// results are told. A value without clock and I/O: events go in, and ``Effects`` say what is to be done.
///
/// Messages of one *order domain* reach the log in the order of calls: all messages in serial mode, those
/// of one key in key-sharded mode. That needs no waiting as long as nothing fails, since librdkafka keeps
/// the order of what it is given. So a message is started at once, and sent while earlier ones are still
/// under way, unless
///
/// - an earlier one of its domain is between its start and its sending (in a user's handler, say),
/// - an earlier one failed and waits to be tried again, or somebody still thinks about that, or
/// - as many messages of its lane as are allowed are between start and end.
///
/// Then it is *held back*. One that is tried again waits until those of its domain that were sent after it
/// have been acknowledged or have failed; what failed is sent again in its old order. When a later one was
/// acknowledged meanwhile, trying again would turn the order around: see ``isOvertaken(_:partition:)``.
package struct LaneMachine: Sendable {
    /// A message, as far as the machine is concerned. Not a generic parameter: code of another module would then run
    /// unspecialised, at ten times the cost.
    package typealias Item = any AnyObject & Sendable

    /// What follows from an event.
    package struct Effects: Sendable {
        /// Messages whose turn it is now, to be started or tried again.
        package var turns: [Item] = []
        /// Messages whose outcome may be told now, in this order.
        package var finished: [Item] = []

        package init() {}
    }

    /// What became of a message that was handed in.
    package enum Submission: Sendable {
        /// It may start.
        case started(LaneTicket)
        /// It waits; ``Effects/turns`` will name it.
        case queued(LaneTicket)
        /// It would have to wait, and was not allowed to: nothing was changed.
        case mustWait
    }

    private let maxInFlight: Int
    private let isSerial: Bool
    private var lanes: [Lane]
    private var domains = DomainTable()
    private var nextSequence: UInt64 = 1
    /// Serial only.
    private var lastAcknowledged = LastAcknowledged()
    /// Serial only: the messages from the oldest that has not ended on, and those that have ended.
    private var results: Deque<Item?> = []

    /// A machine with this many lanes.
    ///
    /// - Parameters:
    ///   - maxInFlight: how many messages of a lane may be between start and end.
    ///   - isSerial: whether outcomes are told in the order of calls. All messages are then expected in
    ///     one domain, and overtaking is looked at for each partition by itself.
    package init(lanes: Int, maxInFlight: Int, isSerial: Bool) {
        self.lanes = Array(repeating: Lane(), count: max(1, lanes))
        self.maxInFlight = max(1, maxInFlight)
        self.isSerial = isSerial
    }

    /// Whether nothing is under way or waiting.
    package var isIdle: Bool {
        domains.isEmpty && results.isEmpty && lanes.allSatisfy { $0.running == 0 && $0.line.isEmpty }
    }

    /// How many messages of a lane are between start and end.
    package func running(inLane lane: Int) -> Int { lanes[lane].running }

    // MARK: Events

    /// A message comes.
    ///
    /// - Parameters:
    ///   - isSentAtOnce: whether nothing lies between its start and its sending: if it may start, it
    ///     counts as sent.
    ///   - mayQueue: whether it may wait.
    package mutating func submit(
        _ item: Item,
        lane: Int,
        domain: UInt64?,
        isSentAtOnce: Bool,
        mayQueue: Bool
    ) -> Submission {
        let hasPlace = hasPlace(lane)
        guard let domain else {
            let ticket = LaneTicket(lane: lane, domain: nil, sequence: nextSequence)
            guard hasPlace || mayQueue else { return .mustWait }
            taken(ticket)
            if hasPlace {
                lanes[lane].running += 1
                return .started(ticket)
            }
            lanes[lane].line.append(.unordered(Waiting(item: item, ticket: ticket)))
            return .queued(ticket)
        }
        let slot = domains.slot(of: domain)
        let ticket = LaneTicket(lane: lane, domain: domain, sequence: nextSequence, slot: UInt32(slot))
        if hasPlace, domains[slot].start(ticket.sequence, isSentAtOnce: isSentAtOnce) {
            taken(ticket)
            lanes[lane].running += 1
            return .started(ticket)
        }
        guard mayQueue else {
            domains.forgetIfIdle(slot)
            return .mustWait
        }
        taken(ticket)
        domains[slot].hold(Waiting(item: item, ticket: ticket))
        // Nothing can start, or it would have: but the domain may have to get in line.
        var effects = Effects()
        pump(slot, lane: lane, &effects)
        return .queued(ticket)
    }

    /// A message that had its turn was handed to librdkafka.
    package mutating func sent(_ ticket: LaneTicket, _ effects: inout Effects) {
        guard let slot = domains.slot(of: ticket) else { return }
        // Its report may have come before this call.
        if domains[slot].enter(ticket.sequence) {
            pump(slot, lane: ticket.lane, &effects)
        } else {
            domains.forgetIfIdle(slot)
        }
    }

    /// The brokers have a message. It has not ended: handlers may have something to do with it.
    package mutating func acknowledged(_ ticket: LaneTicket, partition: UInt64, _ effects: inout Effects) {
        guard let slot = domains.slot(of: ticket) else { return }
        noteAcknowledged(ticket, partition: partition)
        domains[slot].acknowledge(ticket.sequence)
        pump(slot, lane: ticket.lane, &effects)
    }

    /// The brokers have a message, and nobody has anything more to do with it.
    package mutating func delivered(
        _ item: Item,
        _ ticket: LaneTicket,
        partition: UInt64,
        _ effects: inout Effects
    ) {
        guard let slot = domains.slot(of: ticket) else { return end(item, ticket, nil, &effects) }
        noteAcknowledged(ticket, partition: partition)
        domains[slot].acknowledge(ticket.sequence)
        end(item, ticket, slot, &effects)
    }

    /// Sending a message failed. Until ``retry(_:_:_:)`` or ``end(_:_:_:)`` says what follows, its
    /// domain stands still.
    package mutating func deliveryFailed(_ ticket: LaneTicket) {
        guard let slot = domains.slot(of: ticket) else { return }
        domains[slot].fail(ticket.sequence)
    }

    /// librdkafka reports that sending a message failed. What follows may have been said before, by a handler that did not
    /// wait for the report; otherwise it is as with ``deliveryFailed(_:)``.
    package mutating func deliveryFailed(_ ticket: LaneTicket, _ effects: inout Effects) {
        guard let slot = domains.slot(of: ticket) else { return }
        if domains[slot].failed.contains(where: { $0.ticket.sequence == ticket.sequence }) {
            domains[slot].leave()
            pump(slot, lane: ticket.lane, &effects)
        } else {
            domains[slot].fail(ticket.sequence)
        }
    }

    /// librdkafka reports on a message that has ended before.
    ///
    /// - Parameter partition: where the brokers have it; `nil` when it was not delivered. It may have overtaken others,
    ///   whatever was told of it.
    package mutating func reportedLate(
        _ ticket: LaneTicket,
        acknowledgedIn partition: UInt64?,
        _ effects: inout Effects
    ) {
        #if SimulatedDefects
            if SimulatedDefect.lateReportsAreForgotten.isOn { return }
        #endif
        guard let slot = domains.slot(of: ticket) else { return }
        if let partition {
            noteAcknowledged(ticket, partition: partition)
            domains[slot].acknowledge(ticket.sequence)
        } else {
            domains[slot].leave()
        }
        pump(slot, lane: ticket.lane, &effects)
    }

    /// Whether a later message of the domain is in the log already, so that sending this one again would
    /// turn the order around. In serial mode messages of other partitions do not matter.
    ///
    /// - Parameter partition: where the message went; `nil` when nobody knows.
    package func isOvertaken(_ ticket: LaneTicket, partition: UInt64?) -> Bool {
        #if SimulatedDefects
            if SimulatedDefect.overtakenIsSentAgain.isOn { return false }
        #endif
        guard ticket.domain != nil else { return false }
        guard isSerial else {
            return domains.knownSlot(of: ticket).map { domains[$0].lastAcknowledged > ticket.sequence } ?? false
        }
        return lastAcknowledged.isLater(than: ticket.sequence, in: partition)
    }

    /// A message that failed shall be tried again. It keeps its place in the lane.
    package mutating func retry(_ item: Item, _ ticket: LaneTicket, _ effects: inout Effects) {
        guard let slot = domains.slot(of: ticket) else {
            effects.turns.append(item)
            return
        }
        domains[slot].retry(Waiting(item: item, ticket: ticket))
        pump(slot, lane: ticket.lane, &effects)
    }

    /// A message has an outcome.
    package mutating func end(_ item: Item, _ ticket: LaneTicket, _ effects: inout Effects) {
        end(item, ticket, domains.slot(of: ticket), &effects)
    }

    private mutating func end(_ item: Item, _ ticket: LaneTicket, _ slot: Int?, _ effects: inout Effects) {
        let lane = ticket.lane
        lanes[lane].running -= 1
        finish(item, ticket, slot, &effects)
        if let slot {
            domains[slot].end(ticket.sequence)
            pump(slot, lane: lane, &effects)
        }
        if !lanes[lane].line.isEmpty { serveLine(of: lane, &effects) }
    }

    /// Nothing is waited for any more: gives everything its turn, so that it can be ended.
    package mutating func abort(_ effects: inout Effects) {
        for lane in lanes.indices {
            for case .unordered(let waiting) in lanes[lane].line {
                lanes[lane].running += 1
                effects.turns.append(waiting.item)
            }
            lanes[lane].line.removeAll()
        }
        for slot in domains.slots {
            let (failed, held) = domains[slot].giveUpWaiting()
            effects.turns.append(contentsOf: failed.map(\.item))
            for waiting in held {
                lanes[waiting.ticket.lane].running += 1
                effects.turns.append(waiting.item)
            }
        }
    }

    // MARK: Parts

    private func hasPlace(_ lane: Int) -> Bool {
        #if SimulatedDefects
            if SimulatedDefect.laneLimitIsIgnored.isOn { return true }
        #endif
        return lanes[lane].running < maxInFlight && lanes[lane].line.isEmpty
    }

    private mutating func taken(_ ticket: LaneTicket) {
        nextSequence += 1
        if isSerial { results.append(nil) }
    }

    private mutating func noteAcknowledged(_ ticket: LaneTicket, partition: UInt64) {
        if isSerial { lastAcknowledged.note(ticket.sequence, in: partition) }
    }

    private mutating func finish(_ item: Item, _ ticket: LaneTicket, _ slot: Int?, _ effects: inout Effects) {
        #if SimulatedDefects
            // One whose followers wait for it.
            let isForgotten = slot.map { !domains[$0].held.isEmpty } ?? false
            if isForgotten, SimulatedDefect.outcomesAreNotTold.isOn { return }
        #endif
        guard isSerial else {
            effects.finished.append(item)
            return
        }
        #if SimulatedDefects
            if SimulatedDefect.resultsAreToldOutOfOrder.isOn {
                effects.finished.append(item)
                return
            }
        #endif
        let oldest = nextSequence - UInt64(results.count)
        guard ticket.sequence >= oldest else { return }
        results[Int(ticket.sequence - oldest)] = item
        while let first = results.first, let item = first {
            results.removeFirst()
            effects.finished.append(item)
        }
    }

    /// Lets the next message of a domain go, or gets the domain in line.
    private mutating func pump(_ slot: Int, lane: Int, _ effects: inout Effects) {
        switch domains[slot].pump(hasPlace: hasPlace(lane), &effects) {
        case .nothing: break
        case .idle: domains.forgetIfIdle(slot)
        case .started: lanes[lane].running += 1
        case .inLine: lanes[lane].line.append(.domain(domains[slot].key))
        }
    }

    /// Fills the places of a lane that came free.
    private mutating func serveLine(of lane: Int, _ effects: inout Effects) {
        while lanes[lane].running < maxInFlight, let entry = lanes[lane].line.popFirst() {
            switch entry {
            case .unordered(let waiting):
                lanes[lane].running += 1
                effects.turns.append(waiting.item)
            case .domain(let domain):
                let slot = domains.slot(of: domain)
                if let item = domains[slot].leaveLine() {
                    lanes[lane].running += 1
                    effects.turns.append(item)
                } else {
                    domains.forgetIfIdle(slot)
                }
            }
        }
    }
}
