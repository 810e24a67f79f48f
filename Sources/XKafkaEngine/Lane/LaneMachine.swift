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

    private enum Pumped {
        case nothing, idle, started, inLine
    }

    private let maxInFlight: Int
    private let isSerial: Bool
    private var lanes: [Lane]
    private var domains: [UInt64: Domain] = [:]
    private var nextSequence: UInt64 = 1
    /// Serial only: the last message that each partition acknowledged.
    private var lastAcknowledged: [UInt64: UInt64] = [:]
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
        let ticket = LaneTicket(lane: lane, domain: domain, sequence: nextSequence)
        guard let domain else {
            guard hasPlace || mayQueue else { return .mustWait }
            taken(ticket)
            if hasPlace {
                lanes[lane].running += 1
                return .started(ticket)
            }
            lanes[lane].line.append(.unordered(Waiting(item: item, ticket: ticket)))
            return .queued(ticket)
        }
        let starts = Self.update(&domains[domain, default: Domain()]) { state in
            guard hasPlace, !state.isBlocked, state.held.isEmpty else { return false }
            state.running += 1
            if isSentAtOnce {
                state.inFlight += 1
                state.lastSent = ticket.sequence
            } else {
                state.entering = ticket.sequence
            }
            return true
        }
        if starts {
            taken(ticket)
            lanes[lane].running += 1
            return .started(ticket)
        }
        guard mayQueue else {
            forgetIfIdle(domain)
            return .mustWait
        }
        taken(ticket)
        domains[domain, default: Domain()].held.append(Waiting(item: item, ticket: ticket))
        // Nothing can start, or it would have: but the domain may have to get in line.
        var effects = Effects()
        pump(domain, lane: lane, &effects)
        return .queued(ticket)
    }

    /// A message that had its turn was handed to librdkafka.
    package mutating func sent(_ ticket: LaneTicket, _ effects: inout Effects) {
        guard let domain = ticket.domain else { return }
        let isNews = Self.update(&domains[domain, default: Domain()]) { state in
            // Its report may have come before this call.
            guard state.entering == ticket.sequence else { return false }
            state.enter(ticket.sequence)
            return true
        }
        if isNews { pump(domain, lane: ticket.lane, &effects) } else { forgetIfIdle(domain) }
    }

    /// The brokers have a message. It has not ended: handlers may have something to do with it.
    package mutating func acknowledged(_ ticket: LaneTicket, partition: UInt64, _ effects: inout Effects) {
        guard let domain = ticket.domain else { return }
        acknowledge(ticket, domain, partition: partition)
        pump(domain, lane: ticket.lane, &effects)
    }

    /// The brokers have a message, and nobody has anything more to do with it.
    package mutating func delivered(
        _ item: Item,
        _ ticket: LaneTicket,
        partition: UInt64,
        _ effects: inout Effects
    ) {
        if let domain = ticket.domain { acknowledge(ticket, domain, partition: partition) }
        end(item, ticket, &effects)
    }

    /// Sending a message failed. Until ``retry(_:_:_:)`` or ``end(_:_:_:)`` says what follows, its
    /// domain stands still.
    package mutating func deliveryFailed(_ ticket: LaneTicket) {
        guard let domain = ticket.domain else { return }
        Self.update(&domains[domain, default: Domain()]) { state in
            if state.entering == ticket.sequence { state.enter(ticket.sequence) }
            state.leave()
            state.undecided.insert(ticket.sequence)
        }
    }

    /// librdkafka reports that sending a message failed. What follows may have been said before, by a handler that did not
    /// wait for the report; otherwise it is as with ``deliveryFailed(_:)``.
    package mutating func deliveryFailed(_ ticket: LaneTicket, _ effects: inout Effects) {
        guard let domain = ticket.domain else { return }
        let isDecided = Self.update(&domains[domain, default: Domain()]) { state in
            guard state.failed.contains(where: { $0.ticket.sequence == ticket.sequence }) else { return false }
            state.leave()
            return true
        }
        if isDecided { pump(domain, lane: ticket.lane, &effects) } else { deliveryFailed(ticket) }
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
        guard let domain = ticket.domain else { return }
        if let partition {
            acknowledge(ticket, domain, partition: partition)
        } else {
            Self.update(&domains[domain, default: Domain()]) { $0.leave() }
        }
        pump(domain, lane: ticket.lane, &effects)
    }

    /// Whether a later message of the domain is in the log already, so that sending this one again would
    /// turn the order around. In serial mode messages of other partitions do not matter.
    ///
    /// - Parameter partition: where the message went; `nil` when nobody knows.
    package func isOvertaken(_ ticket: LaneTicket, partition: UInt64?) -> Bool {
        #if SimulatedDefects
            if SimulatedDefect.overtakenIsSentAgain.isOn { return false }
        #endif
        guard let domain = ticket.domain else { return false }
        guard isSerial else { return domains[domain]?.lastAcknowledged ?? 0 > ticket.sequence }
        if let partition { return lastAcknowledged[partition] ?? 0 > ticket.sequence }
        return lastAcknowledged.values.contains { $0 > ticket.sequence }
    }

    /// A message that failed shall be tried again. It keeps its place in the lane.
    package mutating func retry(_ item: Item, _ ticket: LaneTicket, _ effects: inout Effects) {
        guard let domain = ticket.domain else {
            effects.turns.append(item)
            return
        }
        Self.update(&domains[domain, default: Domain()]) { state in
            state.undecided.remove(ticket.sequence)
            if state.entering == ticket.sequence { state.entering = nil }
            // Most often the last.
            var index = state.failed.endIndex
            #if SimulatedDefects
                if SimulatedDefect.retriesLoseTheirOrder.isOn {
                    state.failed.append(Waiting(item: item, ticket: ticket))
                    return
                }
            #endif
            while index > 0, state.failed[index - 1].ticket.sequence > ticket.sequence { index -= 1 }
            state.failed.insert(Waiting(item: item, ticket: ticket), at: index)
        }
        pump(domain, lane: ticket.lane, &effects)
    }

    /// A message has an outcome.
    package mutating func end(_ item: Item, _ ticket: LaneTicket, _ effects: inout Effects) {
        let lane = ticket.lane
        lanes[lane].running -= 1
        finish(item, ticket, &effects)
        if let domain = ticket.domain {
            Self.update(&domains[domain, default: Domain()]) { state in
                state.running -= 1
                if state.entering == ticket.sequence { state.entering = nil }
                if !state.undecided.isEmpty { state.undecided.remove(ticket.sequence) }
            }
            pump(domain, lane: lane, &effects)
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
        for domain in domains.keys {
            let (failed, held) = Self.update(&domains[domain, default: Domain()]) { state in
                #if SimulatedDefects
                    if SimulatedDefect.abortForgetsTheFailed.isOn { state.failed.removeAll() }
                #endif
                let waiting = (state.failed, state.held)
                state.isInLine = false
                state.running += state.held.count
                state.failed.removeAll()
                state.held.removeAll()
                return waiting
            }
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

    private mutating func acknowledge(_ ticket: LaneTicket, _ domain: UInt64, partition: UInt64) {
        if isSerial {
            lastAcknowledged[partition] = max(lastAcknowledged[partition] ?? 0, ticket.sequence)
        }
        Self.update(&domains[domain, default: Domain()]) { state in
            if state.entering == ticket.sequence { state.enter(ticket.sequence) }
            state.leave()
            state.lastAcknowledged = max(state.lastAcknowledged, ticket.sequence)
        }
    }

    private mutating func finish(_ item: Item, _ ticket: LaneTicket, _ effects: inout Effects) {
        #if SimulatedDefects
            // One whose followers wait for it.
            let isForgotten = ticket.domain.map { !(domains[$0]?.held.isEmpty ?? true) } ?? false
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
    private mutating func pump(_ domain: UInt64, lane: Int, _ effects: inout Effects) {
        let hasPlace = hasPlace(lane)
        let outcome: Pumped = Self.update(&domains[domain, default: Domain()]) { state in
            guard state.entering == nil, state.undecided.isEmpty else { return .nothing }
            if let first = state.failed.first {
                // Those sent after it come first: should they fail as well, they are behind it.
                #if SimulatedDefects
                    let isDue = first.ticket.sequence > state.lastSent || SimulatedDefect.retriesDoNotWait.isOn
                #else
                    let isDue = first.ticket.sequence > state.lastSent
                #endif
                guard isDue else { return .nothing }
                state.failed.removeFirst()
                state.entering = first.ticket.sequence
                effects.turns.append(first.item)
                return .nothing
            }
            guard let first = state.held.first else { return state.isIdle ? .idle : .nothing }
            guard !state.isInLine else { return .nothing }
            guard hasPlace else {
                state.isInLine = true
                return .inLine
            }
            state.held.removeFirst()
            state.running += 1
            state.entering = first.ticket.sequence
            effects.turns.append(first.item)
            return .started
        }
        switch outcome {
        case .nothing: break
        case .idle: forgetIfIdle(domain)
        case .started: lanes[lane].running += 1
        case .inLine: lanes[lane].line.append(.domain(domain))
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
                let item = Self.update(&domains[domain, default: Domain()]) { state -> Item? in
                    state.isInLine = false
                    #if SimulatedDefects
                        if SimulatedDefect.blockedLosesItsPlaceInLine.isOn, state.isBlocked { state.isInLine = true }
                    #endif
                    // One that is blocked meanwhile gets in line again when it no longer is.
                    guard !state.isBlocked, let first = state.held.popFirst() else { return nil }
                    state.running += 1
                    state.entering = first.ticket.sequence
                    return first.item
                }
                if let item {
                    lanes[lane].running += 1
                    effects.turns.append(item)
                } else {
                    forgetIfIdle(domain)
                }
            }
        }
    }

    private mutating func forgetIfIdle(_ domain: UInt64) {
        if domains[domain]?.isIdle == true { domains[domain] = nil }
    }

    @discardableResult
    private static func update<Result>(_ domain: inout Domain, _ body: (inout Domain) -> Result) -> Result {
        body(&domain)
    }
}
