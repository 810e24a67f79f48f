import DequeModule

#if SimulatedDefects
    import XKafkaOffsets
#endif

extension LaneMachine {
    /// The messages that keep their order with each other.
    struct Domain {
        /// What came of looking for the next one to go.
        enum Pumped {
            case nothing, idle, started, inLine
        }

        private(set) var key: UInt64
        /// How many are between start and end.
        private(set) var running = 0
        /// How many were sent and are neither acknowledged nor failed.
        private var inFlight = 0
        /// Those that failed and of which nobody has said yet whether they will be tried again.
        private var undecided: Set<UInt64> = []
        /// The one between its start and its sending; 0 when there is none, as sequences count from 1.
        private var entering: UInt64 = 0
        /// The latest of those in flight, or later.
        private var lastSent: UInt64 = 0
        private(set) var lastAcknowledged: UInt64 = 0
        /// Whether the lane's line has an entry of this domain.
        private var isInLine = false
        /// Those that will be tried again, in order.
        private(set) var failed: Deque<Waiting> = []
        /// Those that have not started, in order.
        private(set) var held: Deque<Waiting> = []
        /// Whether one of the three collections has ever had something in it, and keeps memory for that.
        private var hasTakenRoom = false

        init(key: UInt64) {
            self.key = key
        }

        /// Makes an idle domain that of another key.
        mutating func begin(key: UInt64) {
            self.key = key
            lastAcknowledged = 0
            guard hasTakenRoom else { return }
            (undecided, failed, held) = ([], [], [])
            hasTakenRoom = false
        }

        private var isBlocked: Bool {
            #if SimulatedDefects
                if SimulatedDefect.followersPassAFailure.isOn { return entering != 0 }
            #endif
            return entering != 0 || !undecided.isEmpty || !failed.isEmpty
        }

        var isIdle: Bool { running == 0 && inFlight == 0 && !isBlocked && held.isEmpty }

        /// Starts a message that comes, if nothing holds it back.
        mutating func start(_ sequence: UInt64, isSentAtOnce: Bool) -> Bool {
            guard !isBlocked, held.isEmpty else { return false }
            running += 1
            entering = sequence
            if isSentAtOnce { enter(sequence) }
            return true
        }

        /// One is in librdkafka's hands. Answers whether that is news.
        @discardableResult
        mutating func enter(_ sequence: UInt64) -> Bool {
            guard entering == sequence else { return false }
            entering = 0
            inFlight += 1
            lastSent = max(lastSent, sequence)
            return true
        }

        /// librdkafka is through with one.
        mutating func leave() {
            inFlight = max(0, inFlight - 1)
            if inFlight == 0 { lastSent = 0 }
        }

        mutating func acknowledge(_ sequence: UInt64) {
            enter(sequence)
            leave()
            lastAcknowledged = max(lastAcknowledged, sequence)
        }

        mutating func fail(_ sequence: UInt64) {
            enter(sequence)
            leave()
            undecided.insert(sequence)
            hasTakenRoom = true
        }

        /// A message that comes has to wait.
        mutating func hold(_ waiting: Waiting) {
            held.append(waiting)
            hasTakenRoom = true
        }

        mutating func retry(_ waiting: Waiting) {
            hasTakenRoom = true
            let sequence = waiting.ticket.sequence
            decide(sequence)
            // Most often the last.
            var index = failed.endIndex
            #if SimulatedDefects
                if SimulatedDefect.retriesLoseTheirOrder.isOn {
                    failed.append(waiting)
                    return
                }
            #endif
            while index > 0, failed[index - 1].ticket.sequence > sequence { index -= 1 }
            failed.insert(waiting, at: index)
        }

        mutating func end(_ sequence: UInt64) {
            running -= 1
            decide(sequence)
        }

        private mutating func decide(_ sequence: UInt64) {
            if entering == sequence { entering = 0 }
            if !undecided.isEmpty { undecided.remove(sequence) }
        }

        /// Lets the next one go, if it may.
        mutating func pump(hasPlace: Bool, _ effects: inout Effects) -> Pumped {
            guard entering == 0, undecided.isEmpty else { return .nothing }
            if let first = failed.first {
                // Those sent after it come first: should they fail as well, they are behind it.
                #if SimulatedDefects
                    let isDue = first.ticket.sequence > lastSent || SimulatedDefect.retriesDoNotWait.isOn
                #else
                    let isDue = first.ticket.sequence > lastSent
                #endif
                guard isDue else { return .nothing }
                failed.removeFirst()
                entering = first.ticket.sequence
                effects.turns.append(first.item)
                return .nothing
            }
            guard let first = held.first else { return isIdle ? .idle : .nothing }
            guard !isInLine else { return .nothing }
            guard hasPlace else {
                isInLine = true
                return .inLine
            }
            held.removeFirst()
            running += 1
            entering = first.ticket.sequence
            effects.turns.append(first.item)
            return .started
        }

        /// Its place in the line has come: starts the first that is held back. One that is blocked meanwhile gets in line
        /// again when it no longer is.
        mutating func leaveLine() -> Item? {
            isInLine = false
            #if SimulatedDefects
                if SimulatedDefect.blockedLosesItsPlaceInLine.isOn, isBlocked { isInLine = true }
            #endif
            guard !isBlocked, let first = held.popFirst() else { return nil }
            running += 1
            entering = first.ticket.sequence
            return first.item
        }

        /// Nothing is waited for any more: gives out all that wait, and counts those that had not started as started.
        mutating func giveUpWaiting() -> (failed: Deque<Waiting>, held: Deque<Waiting>) {
            #if SimulatedDefects
                if SimulatedDefect.abortForgetsTheFailed.isOn { failed.removeAll() }
            #endif
            defer {
                isInLine = false
                running += held.count
                failed.removeAll()
                held.removeAll()
            }
            return (failed, held)
        }
    }
}
