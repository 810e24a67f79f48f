import XKafkaEngine

/// What callers and handlers do, as the producer does it for them.
extension LaneSimulation {
    // MARK: Callers

    func caller(isDriven: Bool, _ choice: Int) -> Caller {
        let key = choice % setup.keyCount
        // Usually a key has its partition, but callers may name another.
        let partition = setup.mode == .keySharded && choice / 64 % 8 != 0 ? key : choice / 512
        return Caller(isDriven: isDriven, key: key, partition: partition % setup.partitionCount)
    }

    /// A message comes. It starts, is held back, or its caller waits to be let in.
    func call(_ caller: Caller) throws(SimulationViolation) -> Bool {
        guard !isClosed else { return false }
        if try !submit(caller, mayQueue: false) {
            let message = message(of: caller)
            if held[message.lane] < setup.queueLimit {
                let isTaken = try submit(caller, mayQueue: true)
                try require(isTaken, .everythingEnds, "a message is refused although it may wait")
            } else {
                tell("  the caller waits")
                callers.append(caller)
            }
        }
        return true
    }

    /// A caller that waits is let in, if there is room.
    func admitCaller() throws(SimulationViolation) -> Bool {
        guard
            !isClosed,
            let index = callers.firstIndex(where: { held[message(of: $0).lane] < setup.queueLimit })
        else { return false }
        let caller = callers.remove(at: index)
        let isTaken = try submit(caller, mayQueue: true)
        try require(isTaken, .everythingEnds, "a message is refused although it may wait")
        return true
    }

    private func message(of caller: Caller) -> LaneMessage {
        let isUnordered =
            setup.mode == .parallel
            || setup.mode == .keySharded && setup.keyCount > 1 && caller.key == setup.keyCount - 1
        let lane =
            switch setup.mode {
            case .serial: 0
            case .keySharded: caller.key % setup.laneCount
            case .parallel: submitted % setup.laneCount
            }
        let domain: UInt64? = isUnordered ? nil : setup.mode == .serial ? 0 : UInt64(caller.key)
        return LaneMessage(
            number: submitted + 1,
            lane: lane,
            domain: domain,
            partition: caller.partition,
            isDriven: caller.isDriven
        )
    }

    private func submit(_ caller: Caller, mayQueue: Bool) throws(SimulationViolation) -> Bool {
        let message = message(of: caller)
        let submission = machine.submit(
            message,
            lane: message.lane,
            domain: message.domain,
            isSentAtOnce: !message.isDriven,
            mayQueue: mayQueue
        )
        switch submission {
        case .mustWait: return false
        case .queued(let ticket):
            tell("  \(message.number) is held back")
            message.ticket = ticket
            message.isDriven = true
            held[message.lane] += 1
        case .started(let ticket):
            tell("  \(message.number) starts")
            try checkTurn(of: message)
            message.ticket = ticket
            message.phase = .entering
            running[message.lane] += 1
            if !message.isDriven { hand(message) }
        }
        submitted += 1
        unended.append(message)
        return true
    }

    /// One that waits is told that its time is over; it keeps its place.
    func passDeadline(_ choice: Int) -> Bool {
        let isWaiting: (LaneMessage) -> Bool = { ($0.phase == .held || $0.phase == .waiting) && !$0.isExpired }
        guard !isAborted, let message = pick(choice, where: isWaiting) else { return false }
        tell("  the time of \(message.number) is over")
        message.isExpired = true
        return true
    }

    // MARK: Handlers

    /// A message whose turn it is goes on.
    func handOver(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard !isAborted, let message = pick(choice, where: { $0.phase == .entering || $0.phase == .again }) else {
            return false
        }
        if message.isExpired {
            try end(message, succeeded: false)
        } else if message.phase == .again {
            if machine.isOvertaken(message.ticket, partition: message.hasPartition ? partition(of: message) : nil) {
                tell("  \(message.number) was overtaken")
                overtaken += 1
                try end(message, succeeded: false)
            } else {
                message.phase = .entering
            }
        } else {
            hand(message)
            message.isSentUnnoted = true
        }
        return true
    }

    func partition(of message: LaneMessage) -> UInt64 { UInt64(message.partition) }

    /// Puts a message into librdkafka's queue.
    private func hand(_ message: LaneMessage) {
        tell("  \(message.number) is handed over, for partition \(message.partition)")
        message.attempts += 1
        message.phase = .sent
        message.reportsDue += 1
        if let domain = message.domain { reportsDue[Int(domain)] += 1 }
        queues[message.partition].append(message)
    }

    /// The machine hears of the handing over; the report may have been faster.
    func noteSent(_ choice: Int) throws(SimulationViolation) -> Bool {
        let message = pick(choice, where: \.isSentUnnoted) ?? lateUnnoted()
        guard let message else { return false }
        tell("  \(message.number) was handed over")
        message.isSentUnnoted = false
        var effects = LaneMachine.Effects()
        machine.sent(message.ticket, &effects)
        try carryOut(effects)
        return true
    }

    /// One that was ended by force before that.
    private func lateUnnoted() -> LaneMessage? {
        for queue in queues { if let message = queue.first(where: \.isSentUnnoted) { return message } }
        for list in reports { if let report = list.first(where: \.message.isSentUnnoted) { return report.message } }
        return nil
    }

    func failHandOver(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard !isAborted, let message = pick(choice, where: { $0.phase == .entering && !$0.isExpired }) else {
            return false
        }
        tell("  \(message.number) cannot be handed over")
        message.attempts += 1
        message.phase = .failed
        var effects = LaneMachine.Effects()
        machine.deliveryFailed(message.ticket, &effects)
        try carryOut(effects)
        return true
    }
}
