import XKafkaEngine

/// What librdkafka and the brokers do, and what follows.
extension LaneSimulation {
    // MARK: Brokers

    /// The leader of a partition answers for what it was sent first: librdkafka keeps the order of what it is given.
    func serveBroker(_ kind: LaneEvent.Kind, _ choice: Int) throws(SimulationViolation) -> Bool {
        guard let partition = partition(choice, where: { !queues[$0].isEmpty }) else { return false }
        let count = kind == .answerLost ? 1 : min(queues[partition].count, 1 + choice / 8 % 3)
        for _ in 0..<count {
            let message = queues[partition].removeFirst()
            switch kind {
            case .brokerTook:
                tell("  partition \(partition) takes \(message.number)")
                try write(message)
            case .answerLost: tell("  partition \(partition) takes \(message.number), and its answer is lost")
            default: tell("  partition \(partition) refuses \(message.number)")
            }
            reports[partition].append(Report(message: message, isSuccess: kind == .brokerTook))
        }
        return true
    }

    /// A message comes into the log that will be told to be there: none after it in the order of calls was before (R9).
    private func write(_ message: LaneMessage) throws(SimulationViolation) {
        guard let domain = message.domain else { return }
        let index = Int(domain) * setup.partitionCount + message.partition
        // The same one again is possible when a handler did not wait for its report.
        try require(
            lastWritten[index] <= message.number,
            .productionOrder,
            "message \(message.number) is behind \(lastWritten[index]) in the log of partition \(message.partition)"
        )
        lastWritten[index] = message.number
    }

    private func partition(_ choice: Int, where isMeant: (Int) -> Bool) -> Int? {
        for step in 0..<setup.partitionCount {
            let partition = (choice + step) % setup.partitionCount
            if isMeant(partition) { return partition }
        }
        return nil
    }

    // MARK: Reports

    /// librdkafka reports on what it has sent, several messages at once.
    func report(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard let partition = partition(choice, where: { !reports[$0].isEmpty }) else { return false }
        var givenUp: [LaneMessage] = []
        for _ in 0..<min(reports[partition].count, 1 + choice / 8 % 4) {
            var effects = LaneMachine.Effects()
            let report = reports[partition].removeFirst()
            let message = report.message
            tell("  librdkafka reports \(message.number): \(report.isSuccess)")
            message.reportsDue -= 1
            if let domain = message.domain { reportsDue[Int(domain)] -= 1 }
            message.hasPartition = true
            if message.phase == .ended {
                let place = report.isSuccess ? self.partition(of: message) : nil
                machine.reportedLate(message.ticket, acknowledgedIn: place, &effects)
            } else if !report.isSuccess {
                machine.deliveryFailed(message.ticket, &effects)
                if message.phase == .sent { message.phase = .failed }
                if isAborted, !message.isDriven { givenUp.append(message) }
                message.isDriven = true
            } else if message.isDriven {
                if message.phase == .sent { message.phase = .acknowledged }
                machine.acknowledged(message.ticket, partition: self.partition(of: message), &effects)
            } else {
                noteEnd(of: message)
                machine.delivered(message, message.ticket, partition: self.partition(of: message), &effects)
            }
            // At once: a turn is right or wrong as of the report that led to it.
            try carryOut(effects)
        }
        for message in givenUp { try end(message, succeeded: false) }
        return true
    }

    // MARK: After a failure

    /// A message that failed shall be tried again.
    func retry(_ choice: Int) throws(SimulationViolation) -> Bool {
        let mayRetry: (LaneMessage) -> Bool = { [setup] message in
            message.phase == .failed && !message.isSentUnnoted && message.attempts <= setup.retryLimit
        }
        guard !isAborted, let message = pick(choice, where: mayRetry) else { return false }
        tell("  \(message.number) shall be tried again")
        message.phase = .waiting
        var effects = LaneMachine.Effects()
        machine.retry(message, message.ticket, &effects)
        try carryOut(effects)
        return true
    }

    // MARK: The end

    /// Refuses further messages.
    func refuse() {
        isClosed = true
        callers = []
    }

    /// Gives up everything: librdkafka reports that what it has was not delivered.
    func abort(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard !isAborted, !isSettling, choice % 32 == 0 else { return false }
        refuse()
        isAborted = true
        var effects = LaneMachine.Effects()
        machine.abort(&effects)
        try carryOut(effects)
        for partition in queues.indices {
            reports[partition] += queues[partition].map { Report(message: $0, isSuccess: false) }
            queues[partition] = []
        }
        return true
    }

    /// A message that was given up notices it.
    func giveUp(_ choice: Int) throws(SimulationViolation) -> Bool {
        let isMeant: (LaneMessage) -> Bool = { message in
            !message.isSentUnnoted
                && (message.phase == .entering || message.phase == .again || message.phase == .failed)
        }
        guard isAborted, let message = pick(choice, where: isMeant) else { return false }
        try end(message, succeeded: false)
        return true
    }
}
