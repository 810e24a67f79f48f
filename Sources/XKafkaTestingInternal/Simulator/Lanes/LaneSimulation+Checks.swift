import XKafkaEngine

extension LaneSimulation {
    /// What is to be seen after every step, beside what the steps themselves look at.
    func check() throws(SimulationViolation) {
        for lane in running.indices {
            try require(
                machine.running(inLane: lane) == running[lane],
                .conservation,
                "lane \(lane) has \(machine.running(inLane: lane)) messages under way instead of \(running[lane])"
            )
            try require(
                running[lane] <= setup.maxInFlight || isAborted,
                .bounds,
                "lane \(lane) has \(running[lane]) messages under way"
            )
        }
        try checkProgress()
    }

    /// None of its domain that comes before it waits, or has its turn and was not sent: it would be overtaken, and fail
    /// without need (R9).
    func checkTurn(of message: LaneMessage) throws(SimulationViolation) {
        guard !isAborted, message.domain != nil else { return }
        for other in unended where other.domain == message.domain && other.number < message.number {
            let isWaiting =
                switch other.phase {
                case .held, .entering, .waiting, .again: true
                // One whose handler did not wait for its report is on its way, as far as anyone knows.
                case .failed: !other.hasLeft
                default: false
                }
            try require(
                !isWaiting,
                .productionOrder,
                "it is the turn of message \(message.number), and \(other.number) is \(other.phase)"
            )
        }
    }

    /// Whatever can go on has its turn (R4).
    private func checkProgress() throws(SimulationViolation) {
        guard !isAborted else { return }
        // By domain: whether somebody has its turn or thinks, and who waits.
        var isBusy = Array(repeating: false, count: setup.keyCount)
        var waiting = Array(repeating: LaneMessage?.none, count: setup.keyCount)
        var firstHeld = Array(repeating: LaneMessage?.none, count: setup.keyCount)
        for message in unended {
            guard let domain = message.domain.map({ Int($0) }) else {
                let hasPlace = running[message.lane] < setup.maxInFlight
                try require(
                    message.phase != .waiting && !(message.phase == .held && hasPlace),
                    .progress,
                    "message \(message.number) keeps no order and is \(message.phase)"
                )
                continue
            }
            switch message.phase {
            case .entering, .again, .failed: isBusy[domain] = true
            case .waiting: waiting[domain] = waiting[domain] ?? message
            case .held: firstHeld[domain] = firstHeld[domain] ?? message
            default: break
            }
            if message.isSentUnnoted { isBusy[domain] = true }
        }
        for domain in isBusy.indices where !isBusy[domain] {
            if let message = waiting[domain] {
                try require(
                    reportsDue[domain] > 0,
                    .progress,
                    "message \(message.number) waits for its turn, and nothing stands before it"
                )
            } else if let message = firstHeld[domain] {
                try require(
                    running[message.lane] >= setup.maxInFlight,
                    .progress,
                    "message \(message.number) is held back, and nothing stands before it"
                )
            }
        }
    }

    /// The end of a schedule: nothing fails any more, so everything has an outcome (R10).
    func settle(closing: Bool) throws(SimulationViolation) {
        tell("from here on nothing fails")
        isSettling = true
        if closing { _ = try apply(LaneEvent(kind: .close, choice: 0)) }
        var rounds = 0
        while !unended.isEmpty || !callers.isEmpty || isAnythingUnderWay {
            rounds += 1
            try require(
                rounds < 2_000,
                .everythingEnds,
                "\(unended.map { "message \($0.number) is \($0.phase)" }), \(callers.count) callers wait"
            )
            for kind in [
                LaneEvent.Kind.callerAdmitted, .handedOver, .sentNoted, .brokerTook, .reported, .handlerEnded, .givenUp,
            ] {
                while try apply(LaneEvent(kind: kind, choice: 24)) {}
            }
            if try !apply(LaneEvent(kind: .retried, choice: 0)) { _ = try apply(LaneEvent(kind: .gaveUp, choice: 0)) }
        }
        try require(told == submitted, .everythingEnds, "\(told) of \(submitted) messages have an outcome")
        try require(machine.isIdle, .everythingEnds, "everything has ended, and the machine does not know")
    }

    private var isAnythingUnderWay: Bool {
        queues.contains { !$0.isEmpty } || reports.contains { !$0.isEmpty }
    }
}
