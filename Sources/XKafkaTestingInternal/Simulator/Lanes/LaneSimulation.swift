import XKafkaEngine

/// One schedule of a producer being played: the real ``LaneMachine``, and of callers, handlers, librdkafka and brokers as
/// little as it takes to carry out what it decides and to see what comes of that.
final class LaneSimulation {
    let setup: LaneSetup
    var machine: LaneMachine
    var random: SeededGenerator
    private(set) var counters = LaneCounters()
    private(set) var steps = 0

    /// A call that waits to be let in.
    struct Caller {
        let isDriven: Bool
        let key: Int
        let partition: Int
    }

    struct Report {
        let message: LaneMessage
        let isSuccess: Bool
    }

    var submitted = 0
    /// Those without an outcome, in the order of calls.
    var unended: [LaneMessage] = []
    var callers: [Caller] = []
    /// By partition: what librdkafka has, in order, and what it has to say.
    var queues: [[LaneMessage]]
    var reports: [[Report]]
    /// By lane: how many are between start and end, and how many are held back.
    var running: [Int]
    var held: [Int]
    /// By domain: how many reports of it are to come.
    var reportsDue: [Int]
    /// The last message that the log holds and that was, or will be, told to be there; by domain and partition.
    var lastWritten: [Int]
    var told = 0
    var overtaken = 0
    var isClosed = false
    var isAborted = false
    /// Whether nothing fails any more.
    var isSettling = false
    var trace: [String]?

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        setup = LaneSetup(using: &random)
        machine = LaneMachine(
            lanes: setup.laneCount,
            maxInFlight: setup.maxInFlight,
            isSerial: setup.mode == .serial
        )
        queues = Array(repeating: [], count: setup.partitionCount)
        reports = Array(repeating: [], count: setup.partitionCount)
        running = Array(repeating: 0, count: setup.laneCount)
        held = Array(repeating: 0, count: setup.laneCount)
        reportsDue = Array(repeating: 0, count: setup.keyCount)
        lastWritten = Array(repeating: 0, count: setup.keyCount * setup.partitionCount)
    }

    func tell(_ text: @autoclosure () -> String) {
        trace?.append(text())
    }

    // MARK: Events

    /// Lets one event happen and checks every rule. Answers whether it had a meaning at this time.
    func apply(_ event: LaneEvent) throws(SimulationViolation) -> Bool {
        let state = state
        let mark = trace?.count
        tell("\(event.kind) (\(state))")
        guard try perform(event.kind, event.choice) else {
            if let mark { trace?.removeSubrange(mark...) }
            return false
        }
        steps += 1
        counters.add(event.kind, in: state)
        try check()
        return true
    }

    private func perform(_ kind: LaneEvent.Kind, _ choice: Int) throws(SimulationViolation) -> Bool {
        switch kind {
        case .submittedDirectly, .submittedWithHandlers:
            return try call(caller(isDriven: kind == .submittedWithHandlers, choice))
        case .callerAdmitted: return try admitCaller()
        case .callerCancelled:
            guard !callers.isEmpty else { return false }
            callers.remove(at: choice % callers.count)
            return true
        case .deadlinePassed: return passDeadline(choice)
        case .handedOver: return try handOver(choice)
        case .sentNoted: return try noteSent(choice)
        case .handOverFailed: return try failHandOver(choice)
        case .handlerFailed:
            guard let message = pick(choice, where: { $0.phase == .entering }) else { return false }
            tell("  a handler of \(message.number) fails before it sends")
            message.attempts += 1
            message.phase = .failed
            return true
        case .handlerLeft:
            guard let message = pick(choice, where: { $0.phase == .sent && $0.isDriven && !$0.isSentUnnoted }) else {
                return false
            }
            tell("  a handler of \(message.number) does not wait for its report")
            message.hasLeft = true
            message.phase = .failed
            return true
        case .handlerEnded:
            guard let message = pick(choice, where: { $0.phase == .acknowledged && !$0.isSentUnnoted }) else {
                return false
            }
            try end(message, succeeded: true)
            return true
        case .brokerTook, .brokerRefused, .answerLost: return try serveBroker(kind, choice)
        case .reported: return try report(choice)
        case .retried: return try retry(choice)
        case .gaveUp:
            guard !isAborted, let message = pick(choice, where: { $0.phase == .failed && !$0.isSentUnnoted }) else {
                return false
            }
            try end(message, succeeded: false)
            return true
        case .close:
            guard !isClosed, choice % 32 == 0 || isSettling else { return false }
            refuse()
            return true
        case .abort: return try abort(choice)
        case .givenUp: return try giveUp(choice)
        case .forcedEnd:
            guard isAborted, let message = pick(choice, where: { $0.isDriven }) else { return false }
            try end(message, succeeded: false)
            return true
        }
    }

    /// Where the producer stands, for the counters.
    private var state: LaneEvent.Kind.State {
        if isAborted { return .aborted }
        if isClosed { return .closing }
        let isFailing = unended.contains { $0.phase == .failed || $0.phase == .waiting || $0.phase == .again }
        if isFailing { return .failing }
        return running.contains { $0 >= setup.maxInFlight } ? .full : .flowing
    }

    /// From the place that the choice names, the first message that is meant.
    func pick(_ choice: Int, where isMeant: (LaneMessage) -> Bool) -> LaneMessage? {
        guard !unended.isEmpty else { return nil }
        let first = choice % unended.count
        return unended[first...].first(where: isMeant) ?? unended[..<first].first(where: isMeant)
    }

    // MARK: Effects

    /// Does what the machine says.
    func carryOut(_ effects: LaneMachine.Effects) throws(SimulationViolation) {
        for case let message as LaneMessage in effects.turns {
            tell("  it is the turn of \(message.number)")
            try checkTurn(of: message)
            switch message.phase {
            case .held:
                held[message.lane] -= 1
                running[message.lane] += 1
                message.phase = .entering
            case .waiting: message.phase = .again
            default:
                throw SimulationViolation(
                    rule: .conservation,
                    text: "message \(message.number) has a turn although it is \(message.phase)"
                )
            }
        }
        for case let message as LaneMessage in effects.finished {
            try require(
                message.phase == .ended && !message.isTold,
                .conservation,
                "message \(message.number) is told of as \(message.phase), before: \(message.isTold)"
            )
            message.isTold = true
            told += 1
            try require(
                setup.mode != .serial || message.number == told,
                .productionOrder,
                "message \(message.number) is told of as the \(told)th"
            )
        }
    }

    func end(_ message: LaneMessage, succeeded: Bool) throws(SimulationViolation) {
        tell("  \(message.number) \(succeeded ? "succeeds" : "fails")")
        var effects = LaneMachine.Effects()
        noteEnd(of: message)
        machine.end(message, message.ticket, &effects)
        try carryOut(effects)
    }

    func noteEnd(of message: LaneMessage) {
        message.phase = .ended
        running[message.lane] -= 1
        if let index = unended.firstIndex(where: { $0 === message }) { unended.remove(at: index) }
    }
}
