import XKafkaEngine

/// A message as the simulation has it; what the machine is handed.
///
/// `@unchecked Sendable`: a simulation never leaves the thread it is played on.
final class LaneMessage: @unchecked Sendable {
    enum Phase {
        /// Held back: it waits for its first turn.
        case held
        /// Has its turn, and handlers do something before it is sent.
        case entering
        /// With librdkafka, or reported on and the report not read.
        case sent
        /// An attempt failed, and somebody thinks about that.
        case failed
        /// Waits for a turn to be tried again.
        case waiting
        /// Has had that turn: it may have been overtaken meanwhile.
        case again
        /// The brokers have it, and a handler is not through with it.
        case acknowledged
        case ended
    }

    /// Its place in the order of calls.
    let number: Int
    let lane: Int
    let domain: UInt64?
    let partition: Int
    var ticket = LaneTicket.none
    var phase: Phase
    /// Whether a task takes it through handlers and attempts.
    var isDriven: Bool
    var attempts = 0
    /// Whether the machine was not told yet that it was handed over.
    var isSentUnnoted = false
    /// Whether its handler left before the report of its attempt: that report is nobody's.
    var hasLeft = false
    /// How many reports of it are still to come.
    var reportsDue = 0
    /// Whether a report has told where it goes.
    var hasPartition = false
    /// Whether its deadline has passed: it keeps its place, and is not sent when its turn comes.
    var isExpired = false
    var isTold = false

    init(number: Int, lane: Int, domain: UInt64?, partition: Int, isDriven: Bool) {
        self.number = number
        self.lane = lane
        self.domain = domain
        self.partition = partition
        self.isDriven = isDriven
        phase = .held
    }
}
