import Logging
import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaTransport
import XKafkaWorkers

/// The consumer thread: everything that touches librdkafka's consumer, in sequence.
///
/// It never waits for user code and never runs it, so that neither membership of the group nor other
/// partitions depend on a handler. Each turn serves events, then requests and timers, then takes
/// messages from partitions that have some and for which there is room, and sleeps when there was
/// nothing to do.
///
/// Not `Sendable` on purpose: it is made on the thread and never leaves it.
final class ConsumerLoop {
    /// How long a cancelled handler has to end before it is given up.
    static let cancellationGrace = Duration.seconds(1)
    /// How long the last commit of a partition that is given back may take.
    static let finalCommitLimit = Duration.seconds(5)
    /// How long leaving the group, and freeing the client, may take each.
    static let closeLimit = Duration.seconds(5)
    /// How often the partitions are looked at although nothing announced a message. It should never
    /// find one; see ``sweep(_:)``.
    static let sweepInterval = Duration.milliseconds(100)
    /// How often it is looked whether a worker is stuck in a run, and so how long others of its shard may wait for
    /// that, twice. More often, and a worker whose thread was not running would be taken for one.
    static let runInterval = Duration.milliseconds(5)

    /// How long a message waits before it is copied out of its fetch, at least, and how often that is looked for.
    static let copyInterval = Duration.seconds(1)

    let runtime: ConsumeRuntime
    let client: ConsumerClient
    let role: ConsumerRole
    let workers: WorkerPool<ConsumeRuntime>
    var machine: RebalanceMachine
    var report = DrainReport()

    /// The assigned partitions, and the order in which they take turns.
    var partitions: [TopicPartition: PartitionEntry] = [:]
    var turns: [PartitionEntry] = []
    var nextTurn = 0
    /// When a partition is given its turn that was not worth it; `nil` when there is none.
    var nextTurnTime: ContinuousClock.Instant?
    var shardSort: ShardSort
    /// An assignment whose committed offsets are still being asked for.
    var pendingAssignment: PendingAssignment?
    /// Partitions that are being given back, until nothing of theirs is in hand.
    var draining: Set<TopicPartition> = []
    var commits = CommitSchedule()
    var nextSweep = ContinuousClock.now
    var nextLookAtRuns = ContinuousClock.now
    var nextCopy = ContinuousClock.now
    var epochs: UInt64 = 0
    var hasWarnedOfMetadata = false
    /// The user's callbacks that hold partitions back, and how many were ever made.
    var callbacks: [AssignmentCallback.ID: AssignmentCallback.Pending] = [:]
    var callbackCount: UInt64 = 0
    /// The user's callbacks that hold up giving partitions back.
    var revocations: [AssignmentCallback.ID: RebalanceMachine.Token] = [:]
    /// Whether the group rebalances cooperatively; asked at the first assignment.
    var isCooperative: Bool?
    /// Whether the group has said what this member reads, and not taken that back; without a group, once reading began.
    var isAssigned = false
    var vitals: ConsumerVitals
    var nextVitals = ContinuousClock.now
    var nextMetrics = ContinuousClock.now
    /// What was counted for metrics so far.
    var counted = (completed: 0, deadLettered: 0)
    /// The number of a request that only asks whether a broker answers.
    var brokerQuestion: Int?
    var nextTopicQuestion = ContinuousClock.now

    private enum Stage {
        case running
        /// The group is being left.
        case closing(deadline: ContinuousClock.Instant)
        case ended
    }

    private var stage = Stage.running
    private var stopTime: ContinuousClock.Instant?
    private var errorNews = ErrorNews()
    private let librdkafkaLog: LibrdkafkaLog

    private init(
        _ runtime: ConsumeRuntime,
        _ client: ConsumerClient,
        _ role: ConsumerRole,
        _ pool: WorkerPool<ConsumeRuntime>
    ) {
        self.runtime = runtime
        self.client = client
        self.role = role
        workers = pool
        shardSort = ShardSort(shardCount: runtime.processing.shardCount)
        librdkafkaLog = LibrdkafkaLog(runtime.logger)
        vitals = runtime.vitals.withLock { $0 }
        machine = RebalanceMachine(
            limits: .init(
                drain: runtime.processing.drainDeadline,
                cancellationGrace: Self.cancellationGrace,
                commit: Self.finalCommitLimit
            ),
            notifiesRevoked: role.notifiesRevoked
        )
    }

    /// Starts the workers, in the calling task, and the thread.
    static func start(_ runtime: ConsumeRuntime, _ client: ConsumerClient, _ role: ConsumerRole) {
        let workers = runtime.startWorkers()
        DedicatedThread.start("xkafka.consumer") {
            ConsumerLoop(runtime, client, role, workers).run()
        }
    }

    private func run() {
        begin()
        while true {
            let now = ContinuousClock.now
            serveEvents()
            serveRequests(now)
            noteDrained(now)
            perform(machine.timeReached(now))
            for key in runtime.timers.takeDue(at: now) { workers.unpark(key) }
            requestCommittedIfDue(now)
            noteCallbackEnds(now)
            sweep(now)
            lookAtRuns(now)
            copyWaiting(now)
            runtime.plan.log?.noteLevel()
            let tookMessages = takeMessages(now)
            commitIfDue(now)
            checkStore(now)
            stopAtTheEnd()
            takeVitals(now)
            answerInquiry(now)
            giveMetrics(now)
            if hasEnded(now) { break }
            if !tookMessages { runtime.signal.wait(until: nextWake) }
        }
        end()
    }

    private func begin() {
        switch role {
        case .group(let config):
            if config.assignmentStrategy == .cooperativeSticky, !LibrdkafkaVersion.isSafeToCooperate {
                runtime.logger.warning(
                    "xkafka uses cooperative-sticky with a librdkafka that has known faults there; 2.10 or newer has not",
                    metadata: ["librdkafka": "\(LibrdkafkaVersion.text)"]
                )
            }
            do {
                try client.subscribe(config.topics)
            } catch {
                runtime.requestStop(failure: error)
            }
        case .partitions(let reading):
            isAssigned = true
            perform(machine.assigned(reading.partitions, at: .now))
        }
    }

    // MARK: Events

    private func serveEvents() {
        while let event = client.nextEvent() {
            let now = ContinuousClock.now
            switch event {
            case .assigned(let partitions):
                isAssigned = true
                runtime.plan.metrics?.assigned()
                noteSignOfLife()
                perform(machine.assigned(partitions, at: now))
            case .revoked(let partitions, let lost):
                // A cooperative member keeps the rest.
                if lost || isCooperative != true { isAssigned = false }
                perform(machine.revoked(partitions, lost: lost, at: now))
            case .committedOffsets(let answer):
                noteBrokerAnswer(answer)
                noteCommittedOffsets(answer, now)
            case .committed(let outcome):
                if outcome.error == nil { noteSignOfLife() }
                noteCommit(CommitOutcome(outcome), now)
            case .error(let error): note(error)
            case .statistics(let json): runtime.plan.metrics?.statistics.note(json)
            case .log(let line):
                if let news = JoinNews(line) { commits.isHeldByJoining = news.isJoining }
                librdkafkaLog.write(line)
            }
        }
        for outcome in runtime.takeStoreOutcomes() { noteCommit(outcome, .now) }
    }

    /// An error that librdkafka reports beside everything else.
    func note(_ error: KafkaError) {
        if role.isIrrelevant(error) { return }
        if error.code == .allBrokersDown { vitals.brokersDownSince = vitals.brokersDownSince ?? .now }
        noteUnknownTopics(error)
        if let failure = role.failure(for: error) {
            runtime.requestStop(failure: failure)
        } else {
            let level: Logger.Level = errorNews.note(error, at: .now) ? .warning : .debug
            runtime.logger.log(level: level, "xkafka consumer error", metadata: ["error": "\(error)"])
        }
    }

    private func serveRequests(_ now: ContinuousClock.Instant) {
        guard stopTime == nil, runtime.isStopRequested else { return }
        stopTime = now
        pendingAssignment?.feeding = false
        perform(machine.stop(at: now))
    }

    /// A consumer that reads up to an end stops when everything before it is done.
    private func stopAtTheEnd() {
        guard stopTime == nil, role.reading?.isFinite == true, !turns.isEmpty else { return }
        guard turns.allSatisfy({ $0.hasReachedEnd && $0.assigned.isIdle }) else { return }
        runtime.requestStop()
    }

    private func noteDrained(_ now: ContinuousClock.Instant) {
        for partition in draining where partitions[partition]?.assigned.isIdle ?? true {
            draining.remove(partition)
            perform(machine.drained(partition, at: now))
        }
    }

    private var nextWake: ContinuousClock.Instant {
        var wake = nextSweep
        if let deadline = machine.nextDeadline { wake = min(wake, deadline) }
        if let retry = runtime.timers.nextTime { wake = min(wake, retry) }
        if let commit = commits.nextTime { wake = min(wake, commit) }
        if let request = pendingAssignment?.retryTime { wake = min(wake, request) }
        for callback in callbacks.values { wake = min(wake, callback.deadline) }
        if let nextTurnTime { wake = min(wake, nextTurnTime) }
        if workers.hasRuns { wake = min(wake, nextLookAtRuns) }
        return wake
    }

    // MARK: End

    /// Leaves the group; what follows are events, until the client says that it is closed.
    func leave() {
        if let reading = role.reading { giveBack(reading.partitions, lost: false) }
        // librdkafka closes only after every assignment was answered.
        if var pending = pendingAssignment {
            pending.feeding = false
            assign(pending, [:])
        }
        stage = .closing(deadline: .now + Self.closeLimit)
        do {
            try client.beginClose()
        } catch {
            runtime.logger.warning("xkafka consumer close failed", metadata: ["error": "\(error)"])
            stage = .ended
        }
    }

    private func hasEnded(_ now: ContinuousClock.Instant) -> Bool {
        switch stage {
        case .running: return false
        case .ended: return true
        case .closing(let deadline):
            if client.isClosed { return true }
            guard now >= deadline else { return false }
            runtime.logger.warning("xkafka consumer did not leave its group in time")
            return true
        }
    }

    private func end() {
        // The group can keep a partition from being given back, if it does not answer.
        for entry in turns { entry.close(into: &report) }
        partitions = [:]
        turns = []
        giveLastMetrics()
        runtime.closeInquiries()
        runtime.stopWorkers()
        report.duration = (stopTime ?? .now).duration(to: .now)
        releaseClient()
        if let failure = runtime.failure {
            runtime.ended.resolve(.failure(failure))
        } else {
            runtime.ended.resolve(.success(report))
        }
    }

    /// Frees the client and waits for that, but not for ever, since librdkafka 2.0.2 can hang in it, and
    /// not at all while messages of it are kept somewhere.
    private func releaseClient() {
        let isDestroyed = WakeSignal()
        guard client.release(onDestroyed: { isDestroyed.raise() }) else {
            runtime.logger.debug("xkafka consumer ended while messages of it are kept")
            return
        }
        if !isDestroyed.wait(until: .now + Self.closeLimit) {
            runtime.logger.warning("xkafka consumer could not be freed in time")
        }
    }
}
