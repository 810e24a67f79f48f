import XKafkaEngine
import XKafkaOffsets

/// What the simulator itself knows about one assignment of one partition: every delivered message and
/// what became of it. The core's numbers are held against it after every step.
final class ModelAssignment {
    enum Status: Int {
        case queued, running, parked
        case completed, deadLettered, cancelled, returned, abandoned
        /// Finished by an earlier owner, and not handed out.
        case skipped

        var isHeld: Bool { self == .queued || self == .running || self == .parked }
        var isDone: Bool { self == .completed || self == .deadLettered || self == .skipped }
    }

    struct Message {
        let offset: Int64
        let key: Int
        let bytes: Int
        var status: Status
    }

    let id: Int
    let slot: Int
    let instance: Int
    let partition: Int
    /// Which of the partition's logs it reads.
    private(set) var log: Int
    /// Where reading began, if that was known, and what was known to be finished beyond it.
    let start: Int64?
    let inherited: CompletionMap?
    /// The same, as long as it is about the log that is read.
    private(set) var known: (start: Int64, inherited: CompletionMap?)?
    private(set) var messages: [Message] = []
    private(set) var phase = PartitionState.Phase.active
    /// Whether the group has given the partition to somebody else: two owners may overlap then.
    var isExpired = false
    /// Whether the broker has taken over a commit of this assignment.
    var wasCommitted = false
    var lastCommitSent: Int64 = -1

    private var passedOver: Int64 = -1
    /// The first message that is not done.
    private var firstOpen = 0
    private(set) var held = 0
    private(set) var heldBytes = 0
    /// By status.
    private var counts = Array(repeating: 0, count: Status.skipped.rawValue + 1)

    init(
        id: Int,
        slot: Int,
        instance: Int,
        partition: Int,
        log: Int,
        start: Int64?,
        inherited: CompletionMap?
    ) {
        self.log = log
        known = start.map { ($0, inherited) }
        self.id = id
        self.slot = slot
        self.instance = instance
        self.partition = partition
        self.start = start
        self.inherited = inherited
    }

    /// Where the frontier has to be, not a single offset more or less.
    var expectedFrontier: Int64? {
        if firstOpen < messages.count { return messages[firstOpen].offset }
        // A start that lies beyond the end of a new log is forgotten with its first message.
        let end = max(messages.last.map { $0.offset + 1 } ?? -1, passedOver, messages.isEmpty ? start ?? -1 : -1)
        return end < 0 ? nil : end
    }

    var highestDelivered: Int64? { messages.last?.offset }

    /// Before anything was delivered, the log began anew: what was known means another one.
    func beginAnew(log: Int) {
        self.log = log
        known = nil
    }

    func deliver(_ message: Message) -> Int {
        messages.append(message)
        count(message.status, 1)
        if message.status.isHeld {
            held += 1
            heldBytes += message.bytes
        }
        advance()
        return messages.count - 1
    }

    func setStatus(_ index: Int, _ status: Status) {
        let old = messages[index]
        messages[index].status = status
        count(old.status, -1)
        count(status, 1)
        if old.status.isHeld, !status.isHeld {
            held -= 1
            heldBytes -= old.bytes
        }
        advance()
    }

    func passOver(to position: Int64) {
        if phase == .active { passedOver = max(passedOver, position) }
    }

    func drain() {
        if phase == .active { phase = .draining }
    }

    /// Answers the offsets of what was still in hand.
    func close() -> [Int64] {
        guard phase != .closed else { return [] }
        phase = .closed
        var abandoned: [Int64] = []
        for index in messages.indices where messages[index].status.isHeld {
            setStatus(index, .abandoned)
            abandoned.append(messages[index].offset)
        }
        return abandoned
    }

    func number(_ status: Status) -> Int { counts[status.rawValue] }

    var name: String { "partition \(partition) of member \(slot), assignment \(id)" }

    private func count(_ status: Status, _ change: Int) {
        counts[status.rawValue] += change
    }

    private func advance() {
        while firstOpen < messages.count, messages[firstOpen].status.isDone { firstOpen += 1 }
    }
}

extension ModelAssignment {
    /// Holds the core's numbers against the model's.
    func check(_ state: PartitionState, isThorough: Bool) throws(SimulationViolation) {
        let frontier = state.tracker.frontier
        if frontier != expectedFrontier {
            let isBeyond = (frontier ?? -1) > (expectedFrontier ?? -1)
            throw SimulationViolation(
                rule: isBeyond ? .noLoss : .gaps,
                text: "\(name): the frontier is \(frontier ?? -1) instead of \(expectedFrontier ?? -1)"
            )
        }
        let ledger = state.ledger
        let isCounted =
            ledger.completed == number(.completed) && ledger.deadLettered == number(.deadLettered)
            && ledger.cancelled == number(.cancelled) && ledger.returned == number(.returned)
            && ledger.abandoned == number(.abandoned) && state.skipped == number(.skipped)
            && ledger.delivered == messages.count - number(.skipped)
        try require(
            phase != .closed || ledger.isBalanced,
            .conservation,
            "\(name): the ledger does not balance: \(ledger)"
        )
        try require(isCounted, phase == .closed ? .staleIsInert : .conservation, "\(name): the ledger is \(ledger)")
        try require(
            state.held == held && state.heldBytes == heldBytes,
            .conservation,
            "\(name): \(state.held) messages of \(state.heldBytes) B in hand instead of \(held) of \(heldBytes) B"
        )
        try require(state.phase == phase, .everythingEnds, "\(name) is \(state.phase) instead of \(phase)")
        if isThorough { try checkMap(state) }
    }

    /// What is told of the completions beyond the frontier is true, and all there is to tell.
    private func checkMap(_ state: PartitionState) throws(SimulationViolation) {
        guard let map = state.completionMap else { return }
        for message in messages[firstOpen...] {
            try require(
                map.contains(message.offset) == message.status.isDone,
                message.status.isDone ? .conservation : .noLoss,
                "\(name): offset \(message.offset) is told as \(message.status.isDone ? "not " : "")done"
            )
        }
        guard let inherited = known?.inherited else { return }
        let next = max(highestDelivered.map { $0 + 1 } ?? 0, expectedFrontier ?? 0)
        for range in inherited.ranges where range.upperBound > next {
            for offset in max(range.lowerBound, next)..<range.upperBound {
                try require(map.contains(offset), .conservation, "\(name): offset \(offset) is not handed down")
            }
        }
    }
}
