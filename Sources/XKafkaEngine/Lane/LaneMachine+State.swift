import DequeModule

#if SimulatedDefects
    import XKafkaOffsets
#endif

/// What the machine keeps.
extension LaneMachine {
    struct Waiting {
        let item: Item
        let ticket: LaneTicket
    }

    struct Domain {
        /// How many are between start and end.
        var running = 0
        /// How many were sent and are neither acknowledged nor failed.
        var inFlight = 0
        /// Those that failed and of which nobody has said yet whether they will be tried again.
        var undecided: Set<UInt64> = []
        /// The one between its start and its sending.
        var entering: UInt64?
        /// The latest of those in flight, or later.
        var lastSent: UInt64 = 0
        var lastAcknowledged: UInt64 = 0
        /// Whether the lane's line has an entry of this domain.
        var isInLine = false
        /// Those that will be tried again, in order.
        var failed: Deque<Waiting> = []
        /// Those that have not started, in order.
        var held: Deque<Waiting> = []

        var isBlocked: Bool {
            #if SimulatedDefects
                if SimulatedDefect.followersPassAFailure.isOn { return entering != nil }
            #endif
            return entering != nil || !undecided.isEmpty || !failed.isEmpty
        }
        var isIdle: Bool { running == 0 && inFlight == 0 && !isBlocked && held.isEmpty }

        /// What was entering is in librdkafka's hands.
        mutating func enter(_ sequence: UInt64) {
            entering = nil
            inFlight += 1
            lastSent = max(lastSent, sequence)
        }

        /// librdkafka is through with one.
        mutating func leave() {
            inFlight = max(0, inFlight - 1)
            if inFlight == 0 { lastSent = 0 }
        }
    }

    /// What waits for one of the lane's places to come free.
    enum LineEntry {
        case unordered(Waiting)
        /// Whichever message of the domain is first by then.
        case domain(UInt64)
    }

    struct Lane {
        /// How many are between start and end.
        var running = 0
        var line: Deque<LineEntry> = []
    }
}
