import XKafkaEngine
import XKafkaOffsets

/// One schedule being played: the world, its members, and what happens to them.
final class Simulation {
    let setup: SimulationSetup
    let world: SimulatedWorld
    private(set) var members: [SimulatedMember?]
    private(set) var counters = SimulationCounters()
    /// Applied events.
    private(set) var steps = 0

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        setup = SimulationSetup(using: &random)
        world = SimulatedWorld(setup, random: random)
        members = Array(repeating: nil, count: setup.memberCount)
        for slot in members.indices { members[slot] = SimulatedMember(world, slot: slot) }
        for partition in 0..<setup.partitionCount {
            world.append(Int.random(in: 0...16, using: &world.random), to: partition)
        }
        _ = world.group.rebalance(0)
    }

    // MARK: Events

    /// Lets one event happen and checks every rule. Answers whether it had a meaning at this time.
    func apply(_ event: SimulationEvent) throws(SimulationViolation) -> Bool {
        let state = members[event.member]?.state ?? .joining
        let mark = world.trace?.count
        world.tell("\(world.startTime.duration(to: world.now)) member \(event.member) (\(state)): \(event.kind)")
        guard try perform(event) else {
            if let mark { world.trace?.removeSubrange(mark...) }
            return false
        }
        steps += 1
        counters.add(event.kind, in: state)
        for member in members { try member?.updateMembership() }
        try check(event)
        return true
    }

    private func perform(_ event: SimulationEvent) throws(SimulationViolation) -> Bool {
        let choice = event.choice
        switch event.kind {
        case .append:
            world.append(1 + choice / 16 % 3, to: choice % setup.partitionCount)
            return true
        case .logReset: return choice / 8 % 4 == 0 && reset(choice % setup.partitionCount)
        case .advanceTime: return try advanceTime(choice)
        case .rebalance: return world.group.rebalance(choice)
        case .commitApplied, .commitFailed, .commitAnswerLost: return try serveCommit(event)
        case .restart: return restart(event.member)
        default: break
        }
        guard let member = members[event.member], !member.hasEnded else { return false }
        return try perform(event.kind, choice, of: member)
    }

    private func perform(
        _ kind: SimulationEvent.Kind,
        _ choice: Int,
        of member: SimulatedMember
    ) throws(SimulationViolation) -> Bool {
        switch kind {
        case .groupReport: return try member.serveReport()
        case .offsetsAnswered:
            guard member.pending != nil else { return false }
            member.endPending(knowsOffsets: true)
            return true
        case .offsetsFailed: return member.pending != nil
        case .commitSent: return try member.commitIfDue()
        case .commitAnswered: return try member.noteAnswer(choice)
        case .drainNoted: return try member.noteDrained(choice)
        case .userNotified: return try member.noteNotified()
        case .fetch: return try member.fetch(choice)
        case .repeatedFetch: return try member.fetchAgain(choice)
        case .timersFired: return try member.fireTimers()
        case .handlerStarted: return try member.start(choice)
        case .handlerCompleted: return try member.complete(choice)
        case .handlerFailed: return try member.fail(choice, isPermanent: false)
        case .handlerFailedForGood: return try member.fail(choice, isPermanent: true)
        case .handlerTimedOut: return member.timeOut(choice)
        case .handlerStopped: return try member.stopHandler(choice)
        case .deadLetterAcknowledged: return try member.acknowledgeDeadLetter(choice)
        case .deadLetterFailed: return try member.failDeadLetter(choice)
        case .workerReleased: return try member.release(choice)
        case .stop:
            // Rarely at once: the thread notices a moment later what anyone may ask for.
            if member.isStopRequested { return try member.stop() }
            guard choice % 6 == 0 else { return false }
            member.isStopRequested = true
            return true
        case .crash: return choice % 6 == 0 && crash(member)
        case .expireMember: return choice % 6 == 0 && expire(member)
        case .staleAnswer: return try member.answerStale(choice)
        case .staleTimer: return try member.fireStaleTimer(choice)
        case .staleCompletion: return try member.completeStale(choice)
        case .append, .logReset, .advanceTime, .rebalance, .commitApplied, .commitFailed, .commitAnswerLost, .restart:
            return false
        }
    }

    // MARK: Time

    private func advanceTime(_ choice: Int) throws(SimulationViolation) -> Bool {
        let steps = [10, 100, 100, 400, 400, 1_000, 1_000, 3_000, 8_000, 31_000]
        let step = choice % (steps.count + 3)
        if step < steps.count {
            try pass(.milliseconds(steps[step]))
        } else if let (_, deadline) = nextDeadline() {
            // As far as the next thing that ends by itself, and not beyond.
            try pass(max(.zero, world.now.duration(to: deadline)))
        } else {
            return false
        }
        return true
    }

    /// Lets time pass; deadlines are met when they come.
    func pass(_ duration: Duration) throws(SimulationViolation) {
        let end = world.now + duration
        while let (member, deadline) = nextDeadline(), deadline <= end {
            world.now = max(world.now, deadline)
            if let pending = member.pending, world.now >= pending.deadline { member.endPending(knowsOffsets: false) }
            try member.perform(member.machine.timeReached(world.now))
        }
        world.now = end
    }

    private func nextDeadline() -> (SimulatedMember, ContinuousClock.Instant)? {
        var first: (SimulatedMember, ContinuousClock.Instant)?
        for case let member? in members where !member.hasEnded {
            for deadline in [member.machine.nextDeadline, member.pending?.deadline] {
                guard let deadline else { continue }
                if let first, first.1 <= deadline { continue }
                first = (member, deadline)
            }
        }
        return first
    }

    // MARK: The broker

    private func reset(_ partition: Int) -> Bool {
        // Whoever has read nothing yet, begins at the very start, and was told that messages further on are done cannot
        // see that these are others now.
        let isUnseen = members.contains { member in
            guard let entry = member?.entries[partition], entry.lastOffset < 0 else { return false }
            return entry.assignment.start == 0 && !(entry.assignment.inherited?.ranges.isEmpty ?? true)
        }
        guard !isUnseen else { return false }
        world.reset(partition)
        return true
    }

    private func serveCommit(_ event: SimulationEvent) throws(SimulationViolation) -> Bool {
        guard !world.broker.requests.isEmpty else { return false }
        let request = world.broker.takeRequest(event.choice % world.broker.requests.count)
        var results: [(partition: Int, error: SimulatedMember.CommitError?)] = []
        let membership = world.group.memberships[request.slot]
        let isValid = membership?.instance == request.instance && membership?.generation == request.generation
        for part in request.parts {
            var error: SimulatedMember.CommitError?
            if event.kind == .commitFailed {
                error = event.choice % 3 == 0 ? .permanent : .retriable
            } else if !isValid {
                error = .permanent
            } else if part.committed.metadata.utf8.count > setup.brokerMetadataLimit {
                error = .metadataTooLarge
            } else {
                let assignment = world.model.assignments[part.assignment]
                let isSameLog = world.broker.committedGenerations[part.partition] == assignment.log
                try world.model.commitApplied(
                    assignment,
                    part.committed,
                    after: isSameLog ? world.broker.committed[part.partition] : nil
                )
                world.broker.apply(part, generation: assignment.log)
                assignment.wasCommitted = true
                if event.kind == .commitAnswerLost { error = .retriable }
            }
            results.append((part.partition, error))
        }
        world.tell(
            "  the broker answers \(results.map { "\($0.partition): \($0.error.map { "\($0)" } ?? "committed")" })"
        )
        if let member = members[request.slot], member.instance == request.instance {
            member.commits.answers.append(.init(number: request.number, results: results))
        }
        return true
    }

    // MARK: Members

    private func restart(_ slot: Int) -> Bool {
        guard members[slot]?.hasEnded ?? true else { return false }
        world.model.forget(slot)
        members[slot] = SimulatedMember(world, slot: slot)
        return true
    }

    private func crash(_ member: SimulatedMember) -> Bool {
        world.model.expire(member.instance)
        world.model.forget(member.slot)
        world.group.inboxes[member.slot] = []
        members[member.slot] = nil
        return true
    }

    /// The group gives the member up without its knowing, until it is told.
    private func expire(_ member: SimulatedMember) -> Bool {
        guard world.group.isMember(member.slot, member.instance) else { return false }
        world.model.expire(member.instance)
        world.group.remove(member.slot)
        world.group.inboxes[member.slot] = [.lost]
        return true
    }

    /// Those that crashed leave the group when their sessions end.
    func expireCrashed() {
        for slot in members.indices where members[slot] == nil { world.group.remove(slot) }
    }

    func restartAll() {
        for slot in members.indices { _ = restart(slot) }
    }

    // MARK: Checks

    /// Every rule, after every step. Members that had no part in it are looked at from time to time: the
    /// cores share nothing.
    private func check(_ event: SimulationEvent) throws(SimulationViolation) {
        let isForAll = event.kind == .advanceTime || steps % 16 == 0
        if isForAll { try world.model.checkRounds(at: world.now) }
        for case let member? in members where isForAll || member.slot == event.member {
            member.updateState()
            for case let entry? in member.entries {
                try entry.assignment.check(entry.state, isThorough: member.slot == event.member)
            }
            for entry in member.touched { try entry.assignment.check(entry.state, isThorough: false) }
            member.touched.removeAll(keepingCapacity: true)
            try member.checkQueues()
            try member.checkCommitted()
        }
    }
}
