import Testing
import XKafkaEngine
import XKafkaTestingInternal

/// Whatever happens in whatever order: the log keeps the order of calls (R9), nothing gets stuck or lost.
@Suite struct LaneMachinePropertyTests {
    @Test(arguments: [false, true])
    func orderHoldsAndEverythingEnds(isSerial: Bool) throws {
        for seed in SeededGenerator.freshSeeds(150) {
            var world = World(seed: seed, isSerial: isSerial)
            for _ in 0..<150 { try world.step() }
            try world.settle()
        }
    }
}

/// The machine, the messages, and brokers that take what they are sent in order, partition by partition,
/// or refuse it.
private struct World {
    private enum Phase {
        /// Between start and sending.
        case entering
        case inFlight, undecided, waiting, ended
        /// Acknowledged; a handler is not through with it.
        case acknowledged
    }

    private struct Message {
        let ticket: LaneTicket
        let partition: UInt64
        /// Whether there are handlers: otherwise it goes straight to librdkafka.
        let isDirect: Bool
        var phase: Phase
        var isRetry = false
        var isTold = false
    }

    private let seed: UInt64
    private let isSerial: Bool
    private let maxInFlight: Int
    private let lanes = 3
    private var random: SeededGenerator
    private var machine: LaneMachine
    private var messages: [Int: Message] = [:]
    private var brokers: [UInt64: [Int]] = [:]
    private var log: [UInt64: [Int]] = [:]
    private var finished: [Int] = []
    private var submitted = 0
    /// Those that have not ended, in the order of calls.
    private var unended: [Int] = []
    private var isSettling = false

    init(seed: UInt64, isSerial: Bool) {
        self.seed = seed
        self.isSerial = isSerial
        random = SeededGenerator(seed: seed)
        maxInFlight = [1, 2, 5, .max].randomElement(using: &random) ?? 1
        machine = LaneMachine(lanes: isSerial ? 1 : lanes, maxInFlight: maxInFlight, isSerial: isSerial)
    }

    mutating func step() throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0...2: try submit()
        case 3...4: try advance(.entering)
        case 5...7: try serveBroker()
        default:
            try advance(.undecided)
            try advance(.acknowledged)
        }
    }

    /// Nothing fails any more: everything ends.
    mutating func settle() throws {
        isSettling = true
        var rounds = 0
        while finished.count < submitted {
            try advance(.entering)
            try serveBroker()
            try advance(.undecided)
            try advance(.acknowledged)
            rounds += 1
            try require(rounds < 10_000, "stuck: \(messages.filter { $0.value.phase != .ended })")
        }
        try require(machine.isIdle, "something is left")
        if isSerial { try require(finished == finished.sorted(), "results come in the order of calls") }
    }

    private mutating func submit() throws {
        submitted += 1
        let number = submitted
        let key = UInt64.random(in: 0..<4, using: &random)
        let isDirect = Bool.random(using: &random)
        let domain: UInt64? = isSerial ? 0 : (key == 3 ? nil : key)
        let lane = isSerial ? 0 : Int(key) % lanes
        let outcome = machine.submit(
            Numbered(number),
            lane: lane,
            domain: domain,
            isSentAtOnce: isDirect,
            mayQueue: true
        )
        var message: Message
        switch outcome {
        case .mustWait: throw Broken(what: "seed \(seed): refused although it may wait")
        case .queued(let ticket):
            message = Message(ticket: ticket, partition: key % 2, isDirect: isDirect, phase: .waiting)
        case .started(let ticket):
            message = Message(ticket: ticket, partition: key % 2, isDirect: isDirect, phase: .entering)
            if isDirect {
                message.phase = .inFlight
                brokers[message.partition, default: []].append(number)
            }
        }
        messages[number] = message
        if message.phase != .ended { unended.append(number) }
        try checkRunning()
    }

    /// Takes one message that is in `phase` a step further.
    private mutating func advance(_ phase: Phase) throws {
        let candidates = unended.filter { messages[$0]?.phase == phase }
        guard let number = candidates.randomElement(using: &random), let message = messages[number] else { return }
        var effects = LaneMachine.Effects()
        switch phase {
        case .entering:
            if message.isRetry, machine.isOvertaken(message.ticket, partition: message.partition) {
                end(number, &effects)
            } else if !isSettling, Int.random(in: 0..<4, using: &random) == 0 {
                // A handler failed before it sent.
                retryOrEnd(number, &effects)
            } else {
                messages[number]?.phase = .inFlight
                brokers[message.partition, default: []].append(number)
                machine.sent(message.ticket, &effects)
            }
        case .undecided: retryOrEnd(number, &effects)
        case .acknowledged: end(number, &effects)
        default: break
        }
        try carryOut(effects)
    }

    private mutating func retryOrEnd(_ number: Int, _ effects: inout LaneMachine.Effects) {
        guard let message = messages[number] else { return }
        let mayRetry = !machine.isOvertaken(message.ticket, partition: message.partition)
        if mayRetry, Int.random(in: 0..<5, using: &random) > 0 {
            messages[number]?.phase = .waiting
            messages[number]?.isRetry = true
            machine.retry(Numbered(number), message.ticket, &effects)
        } else {
            end(number, &effects)
        }
    }

    private mutating func end(_ number: Int, _ effects: inout LaneMachine.Effects) {
        guard let message = messages[number] else { return }
        messages[number]?.phase = .ended
        machine.end(Numbered(number), message.ticket, &effects)
    }

    /// A partition's leader answers for its oldest messages: takes them, or refuses them.
    private mutating func serveBroker() throws {
        let partition = UInt64.random(in: 0..<2, using: &random)
        let isRefusal = !isSettling && Int.random(in: 0..<3, using: &random) == 0
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard let number = brokers[partition]?.first, let message = messages[number] else { return }
            brokers[partition]?.removeFirst()
            var effects = LaneMachine.Effects()
            if isRefusal {
                messages[number]?.phase = .undecided
                machine.deliveryFailed(message.ticket, &effects)
            } else {
                try append(number, message)
                if message.isDirect, !message.isRetry {
                    messages[number]?.phase = .ended
                    machine.delivered(Numbered(number), message.ticket, partition: partition, &effects)
                } else {
                    messages[number]?.phase = .acknowledged
                    machine.acknowledged(message.ticket, partition: partition, &effects)
                }
            }
            try carryOut(effects)
        }
    }

    private mutating func append(_ number: Int, _ message: Message) throws {
        let earlier = log[message.partition, default: []].last {
            message.ticket.domain != nil && messages[$0]?.ticket.domain == message.ticket.domain
        }
        if let earlier { try require(earlier < number, "\(number) is behind \(earlier) in the log") }
        log[message.partition, default: []].append(number)
    }

    private mutating func carryOut(_ effects: LaneMachine.Effects) throws {
        unended.removeAll { messages[$0]?.phase == .ended }
        for number in effects.turnNumbers {
            try require(messages[number]?.phase == .waiting, "\(number) did not wait for a turn")
            messages[number]?.phase = .entering
        }
        for number in effects.finishedNumbers {
            try require(messages[number]?.phase == .ended, "\(number) has not ended")
            try require(messages[number]?.isTold == false, "\(number) finished twice")
            finished.append(number)
            messages[number]?.isTold = true
        }
        try checkRunning()
    }

    private func checkRunning() throws {
        for lane in 0..<(isSerial ? 1 : lanes) {
            try require(machine.running(inLane: lane) <= maxInFlight, "too many in lane \(lane)")
        }
    }

    private func require(_ condition: Bool, _ what: String) throws {
        if !condition { throw Broken(what: "seed \(seed): \(what)") }
    }
}
