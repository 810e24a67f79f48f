import XKafkaCore
import XKafkaEngine
import XKafkaOffsets
import XKafkaWorkers

/// Fetching, the workers and what becomes of the messages.
extension SimulatedMember {
    // MARK: Fetching

    private typealias Arrival = (offset: Int64, key: Int, bytes: Int)

    /// From the partition that the choice names, the first one that is meant.
    private func entry(_ choice: Int, where isMeant: (SimulatedEntry) -> Bool) -> SimulatedEntry? {
        for step in entries.indices {
            if let entry = entries[(choice + step) % entries.count], isMeant(entry) { return entry }
        }
        return nil
    }

    /// Takes a few messages of one partition, or notes that it has come to its end.
    func fetch(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard let entry = entry(choice, where: { $0.isFeeding }) else { return false }
        let isReset = entry.generation != world.broker.generations[entry.partition]
        // librdkafka sees that its position is out of range.
        let position = isReset ? 0 : entry.position
        let end = world.broker.end(entry.partition)
        let span = Int(clamping: setup.spanLimit - entry.state.tracker.span)
        let share = setup.messageLimit / setup.partitionCount - entry.state.held
        let room = min(span, share, setup.messageLimit - held, 1 + choice / 64 % 6)
        guard position < end, room > 0 else {
            guard position == end else { return false }
            return passOver(entry, to: end)
        }
        var arrived: [Arrival] = isReset ? leftOvers(of: entry, limit: choice / 512 % room) : []
        entry.position = position
        while entry.position < end, arrived.count < room {
            let offset = entry.position
            entry.position += 1
            let record = world.broker.record(entry.partition, offset)
            guard let key = record.key else { continue }
            arrived.append((offset, key, record.bytes))
        }
        if isReset { noteReset(of: entry, hasLeftOvers: arrived.first.map { $0.offset > 0 } ?? false) }
        try take(arrived, of: entry)
        return true
    }

    /// What was fetched of the old log and not taken yet comes first, in the same batch.
    private func leftOvers(of entry: SimulatedEntry, limit: Int) -> [Arrival] {
        let old = world.broker.oldLogs[entry.partition]
        guard
            entry.generation == world.broker.generations[entry.partition] - 1,
            entry.assignment.log == entry.generation, entry.position > 0,
            Int(entry.position) < old.count
        else { return [] }
        return old[Int(entry.position)...].prefix(limit).enumerated().compactMap { index, record in
            record.key.map { (entry.position + Int64(index), $0, record.bytes) }
        }
    }

    private func noteReset(of entry: SimulatedEntry, hasLeftOvers: Bool) {
        entry.generation = world.broker.generations[entry.partition]
        entry.reportedEnd = -1
        if entry.lastOffset < 0, !hasLeftOvers { entry.assignment.beginAnew(log: entry.generation) }
    }

    private func take(
        _ arrived: [Arrival],
        of first: SimulatedEntry
    ) throws(SimulationViolation) {
        var entry = first
        let steps = IntakePlan.steps(for: arrived.count, after: &entry.lastOffset) {
            .message(offset: arrived[$0].offset)
        }
        for step in steps {
            switch step {
            case .note: break
            case .restart: entry = try restart(entry)
            case .handOver(let places):
                for (offset, key, bytes) in arrived[places] { try deliver(entry, offset, key, bytes) }
            }
        }
    }

    private func passOver(_ entry: SimulatedEntry, to end: Int64) -> Bool {
        guard end > 0, entry.reportedEnd < end else { return false }
        entry.reportedEnd = end
        entry.lastOffset = max(entry.lastOffset, end - 1)
        world.tell("  partition \(entry.partition) is read to its end at \(end)")
        let effects = entry.state.passOver(to: end)
        entry.assignment.passOver(to: end)
        if effects.madeProgress { commits.hasProgress = true }
        return true
    }

    private func deliver(
        _ entry: SimulatedEntry,
        _ offset: Int64,
        _ key: Int,
        _ bytes: Int
    ) throws(SimulationViolation) {
        guard let delivery = entry.state.deliver(offset, bytes: bytes) else {
            world.tell("  skips \(entry.partition)@\(offset)")
            try model.skipped(entry.assignment, offset, key: key, bytes: bytes)
            commits.hasProgress = true
            return
        }
        world.tell("  takes \(entry.partition)@\(offset), key \(key)")
        let index = model.delivered(entry.assignment, offset, key: key, bytes: bytes)
        let line = model.line(entry.partition, key)
        held += 1
        entry.lastDelivery = delivery
        _ = queues[line % queues.count].append(
            Item(
                reference: .init(assignment: entry.assignment.id, index: index),
                delivery: delivery,
                offset: offset,
                bytes: bytes,
                line: line
            ),
            key: UInt64(line)
        )
    }

    /// librdkafka may fetch again what it had already.
    func fetchAgain(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard let entry = entry(choice, where: { $0.assignment.highestDelivered != nil }) else { return false }
        let messages = entry.assignment.messages
        let offset = messages[choice / 8 % messages.count].offset
        world.tell("  \(entry.partition)@\(offset) comes again")
        let isRefused = entry.state.deliver(offset, bytes: 1) == nil
        try require(isRefused, .keyOrder, "offset \(offset) is taken a second time")
        return true
    }

    // MARK: Workers

    private func mayStart(_ item: Item) -> Bool {
        guard let entry = everyEntry[item.reference.assignment] else { return false }
        #if SimulatedDefects
            if SimulatedDefect.handlersStartWhileDraining.isOn { return true }
        #endif
        return entry.state.phase == .active && !isStopRequested
    }

    func start(_ choice: Int) throws(SimulationViolation) -> Bool {
        let shard = choice % queues.count
        guard let worker = workers.firstIndex(where: { $0 == nil }) else { return false }
        guard let (item, ticket) = queues[shard].next(worker: worker) else { return false }
        try model.taken(item.reference, slot)
        var job = Job(item: item, shard: shard, ticket: ticket, phase: .running)
        if !mayStart(item) {
            world.tell("  leaves offset \(item.offset) to the next owner")
            try end(item, .returned)
            job.phase = .finished
        } else if item.isPublishing {
            model.publishing(item.reference)
            job.phase = .publishing
        } else {
            world.tell("  starts \(item.line / setup.keyCount)@\(item.offset), attempt \(item.attempt)")
            try model.started(item.reference, attempt: item.attempt)
        }
        workers[worker] = job
        return true
    }

    private func worker(_ choice: Int, where isMeant: (Job) -> Bool) -> (Int, Job)? {
        // From a place that the choice names, the first one that is meant.
        for step in workers.indices {
            let index = (choice + step) % workers.count
            if let job = workers[index], isMeant(job) { return (index, job) }
        }
        return nil
    }

    private func isRunning(_ job: Job) -> Bool { if case .running = job.phase { true } else { false } }
    private func isPublishing(_ job: Job) -> Bool { if case .publishing = job.phase { true } else { false } }

    /// A handler that was cancelled may ignore that, or end normally nevertheless.
    func complete(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard
            let (worker, job) = worker(choice, where: isRunning),
            !world.isStuck(job.item.line, choice)
        else { return false }
        world.tell("  completes offset \(job.item.offset)")
        try end(job.item, .completed)
        workers[worker]?.phase = .finished
        return true
    }

    func stopHandler(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard
            let (worker, job) = worker(choice, where: { $0.isCancelled && isRunning($0) }),
            !world.isStuck(job.item.line, choice)
        else { return false }
        world.tell("  stops at offset \(job.item.offset)")
        try end(job.item, .cancelled)
        workers[worker]?.phase = .finished
        return true
    }

    func fail(_ choice: Int, isPermanent: Bool) throws(SimulationViolation) -> Bool {
        guard
            let (worker, job) = worker(choice, where: isRunning),
            !world.isStuck(job.item.line, choice)
        else { return false }
        world.tell("  fails at offset \(job.item.offset)")
        let next = try phase(afterFailureOf: job, isPermanent: isPermanent, worker)
        workers[worker]?.phase = next
        return true
    }

    /// An attempt's time is over: its handler is told so. It may end in any way, and only then is the next
    /// one started.
    func timeOut(_ choice: Int) -> Bool {
        guard let (worker, job) = worker(choice, where: { isRunning($0) && !$0.isTimedOut }) else { return false }
        world.tell("  the attempt at offset \(job.item.offset) has had its time")
        workers[worker]?.isTimedOut = true
        return true
    }

    private func phase(
        afterFailureOf job: Job,
        isPermanent: Bool,
        _ worker: Int
    ) throws(SimulationViolation) -> Job.Phase {
        if job.isCancelled || !mayStart(job.item) {
            try end(job.item, job.isCancelled ? .cancelled : .returned)
            return .finished
        }
        let decision = setup.retry.decide(
            afterAttempt: job.item.attempt,
            isPermanent: isPermanent,
            wasExhausted: job.item.wasExhausted,
            blocks: setup.policy == .block
        )
        let pause = setup.retry.pause(afterAttempt: job.item.attempt, using: &world.random)
        workers[worker]?.item.wasExhausted = decision.isExhausted
        workers[worker]?.item.attempt += 1
        if decision.willRetry {
            model.failed(job.item.reference)
            return .parked(pause)
        }
        guard setup.policy == .deadLetter else {
            isStopRequested = true
            try end(job.item, .returned)
            return .finished
        }
        #if SimulatedDefects
            if SimulatedDefect.deadLetterIsNotAwaited.isOn {
                try end(job.item, .deadLettered)
                return .finished
            }
        #endif
        workers[worker]?.item.isPublishing = true
        model.publishing(job.item.reference)
        return .publishing
    }

    func acknowledgeDeadLetter(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard let (worker, job) = worker(choice, where: isPublishing) else { return false }
        world.tell("  the dead letter of offset \(job.item.offset) is acknowledged")
        model.deadLetterAcknowledged(job.item.reference)
        try end(job.item, .deadLettered)
        workers[worker]?.phase = .finished
        return true
    }

    func failDeadLetter(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard let (worker, job) = worker(choice, where: isPublishing) else { return false }
        world.tell("  the dead letter of offset \(job.item.offset) fails")
        if job.isCancelled || !mayStart(job.item) {
            try end(job.item, job.isCancelled ? .cancelled : .returned)
            workers[worker]?.phase = .finished
        } else {
            model.failed(job.item.reference)
            workers[worker]?.phase = .parked(.milliseconds(500))
        }
        return true
    }

    /// The key learns that its worker is done, a moment after the partition has.
    func release(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard
            let (worker, job) = worker(choice, where: { !isRunning($0) && !isPublishing($0) })
        else { return false }
        workers[worker] = nil
        let ending: KeyQueues<Item>.Ending
        if case .parked(let pause) = job.phase {
            #if SimulatedDefects
                if SimulatedDefect.retryLosesItsPlace.isOn {
                    _ = queues[job.shard].finish(job.ticket)
                    _ = queues[job.shard].append(job.item, key: UInt64(job.item.line))
                    model.released(job.item.reference, slot, isParked: true)
                    _ = model.unparked(job.item.reference, slot)
                    return true
                }
            #endif
            ending = queues[job.shard].park(job.ticket, as: job.item)
            model.released(job.item.reference, slot, isParked: true)
            #if SimulatedDefects
                if SimulatedDefect.timerIsLost.isOn, job.item.attempt == 3 { return true }
            #endif
            if mayStart(job.item) {
                timers.append(Timer(time: world.now + pause, shard: job.shard, ticket: job.ticket, item: job.item))
            } else {
                try unpark(Timer(time: world.now, shard: job.shard, ticket: job.ticket, item: job.item))
            }
        } else {
            ending = queues[job.shard].finish(job.ticket)
            model.released(job.item.reference, slot, isParked: false)
            oldTickets.append((job.shard, job.ticket))
            if oldTickets.count > 8 { oldTickets.removeFirst() }
        }
        try require(
            ending.wasCancelled == job.isCancelled,
            .everythingEnds,
            "worker \(worker) learns \(ending.wasCancelled) of its cancellation"
        )
        return true
    }

    func fireTimers() throws(SimulationViolation) -> Bool {
        let due = timers.filter { $0.time <= world.now }
        guard !due.isEmpty else { return false }
        timers.removeAll { $0.time <= world.now }
        for timer in due { try unpark(timer) }
        return true
    }

    private func unpark(_ timer: Timer) throws(SimulationViolation) {
        let isWaiting = model.unparked(timer.item.reference, slot)
        let becameReady = queues[timer.shard].unpark(timer.ticket)
        try require(
            becameReady == isWaiting,
            isWaiting ? .progress : .staleIsInert,
            "the timer of offset \(timer.item.offset) wakes its key: \(becameReady)"
        )
    }

    /// Notes how a message ended, in the core and in the model.
    func end(_ item: Item, _ ending: PartitionState.Ending) throws(SimulationViolation) {
        held -= 1
        try model.ended(item.reference, ending)
        guard let entry = everyEntry[item.reference.assignment] else { return }
        if entry.state.phase == .closed { touched.append(entry) }
        let effects = entry.state.end(item.delivery, offset: item.offset, bytes: item.bytes, ending)
        if effects.madeProgress { commits.hasProgress = true }
    }
}
