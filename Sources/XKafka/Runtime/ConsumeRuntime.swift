import Logging
import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaTransport
import XKafkaWorkers

/// What the consumer thread and the workers of one `consume` call share.
final class ConsumeRuntime: ElementWork {
    /// Set while a handler of this runtime runs: stopping from inside must not wait for itself.
    @TaskLocal static var current: ConsumeRuntime?

    /// Whether the consumer thread runs yet, and whether it still may be started.
    private enum Phase {
        case preparing, running, stoppedBefore, over
    }

    private struct Requests {
        var phase = Phase.preparing
        var failure: (any Error)?
        var storeOutcomes: [CommitOutcome] = []
        var callbackEnds: [AssignmentCallback.ID] = []
        var inquiry: ConsumerInquiry?
        var foundTopics: [String] = []
    }

    let plan: ConsumePlan
    let signal: WakeSignal
    let credit: Credit
    let timers = RetryTimers()
    let publications = PublicationTasks()
    /// Whether messages are taken at all; the user's to switch.
    let intake: IntakeSwitch
    /// How many messages were completed since the progress was last read for a commit.
    let progress = Atomic<Int>(0)
    /// How many times the sweep found a message that nothing had announced; 0 is expected.
    let sweepFinds = Atomic<Int>(0)
    /// How many messages one partition may have in hand; follows the number of partitions.
    let partitionLimit: Atomic<Int>
    /// What the thread noted about itself last.
    let vitals: Mutex<ConsumerVitals>
    /// How the call ended. Resolved last.
    let ended = OneShot<Result<DrainReport, any Error>>()

    /// Whether the consumer is to stop: no handler starts from then on, even before the thread has
    /// noticed.
    private let isStopping = Atomic<Bool>(false)
    private let requests = Mutex(Requests())
    private let lastSave = Mutex<Task<Void, Never>?>(nil)
    /// Set once, right after it was made: it refers back to the runtime, hence emptied at the end.
    private let pool = Mutex<WorkerPool<ConsumeRuntime>?>(nil)
    private let extraction = Mutex<KeyExtraction?>(nil)

    init(_ plan: ConsumePlan, intake: IntakeSwitch) {
        self.plan = plan
        self.intake = intake
        signal = intake.signal
        credit = Credit(messages: plan.processing.messageLimit, bytes: plan.processing.byteBudget)
        partitionLimit = Atomic(plan.processing.messageLimit)
        vitals = Mutex(ConsumerVitals(unsettledSince: .now))
    }

    var processing: ProcessingConfig { plan.processing }
    var logger: Logger { plan.logger }

    /// Makes the workers, as tasks that see the caller's task-local values.
    func startWorkers() -> WorkerPool<ConsumeRuntime> {
        // A handler that is given a limit of time has a task of its own.
        let pace = WorkPace(
            permitsRuns: processing.attemptTimeout == nil,
            isQuick: processing.isTakenToBeQuick,
            quickLimit: processing.quickLimit
        )
        let pool = WorkerPool(self, shardCount: processing.shardCount, pace: pace)
        self.pool.withLock { $0 = pool }
        if let extractor = processing.keyExtractor {
            extraction.withLock { $0 = KeyExtraction(extractor, plan.routing, pool) }
        }
        Self.$current.withValue(self) { pool.start(workers: processing.maxConcurrentHandlers) }
        return pool
    }

    var workers: WorkerPool<ConsumeRuntime>? { pool.withLock { $0 } }

    /// Sends the workers home. Those that are still busy end when their handlers do.
    func stopWorkers() {
        let pool = pool.withLock { pool in
            defer { pool = nil }
            return pool
        }
        extraction.withLock { $0 = nil }
        pool?.stop()
    }

    /// Finds the logical keys of messages, if that is the user's to do.
    var keyExtraction: KeyExtraction? { extraction.withLock { $0 } }

    // MARK: Requests to the consumer thread

    /// Asks the consumer to stop. May be called from anywhere, any number of times.
    func requestStop(failure: (any Error)? = nil) {
        // The first failure is the cause of whatever follows.
        requests.withLock { if $0.failure == nil { $0.failure = failure } }
        isStopping.store(true, ordering: .releasing)
        signal.raise()
        let hasNotBegun = requests.withLock { requests in
            if requests.phase == .preparing { requests.phase = .stoppedBefore }
            return requests.phase == .stoppedBefore
        }
        // Nobody is there to end it; whatever the preparation waits for is not waited for any longer.
        if hasNotBegun { ended.resolve(failure.map { .failure($0) } ?? .success(DrainReport())) }
    }

    /// Claims the right to start the thread; `false` when the consumer was stopped before.
    func begin() -> Bool {
        requests.withLock { requests in
            guard requests.phase == .preparing else { return false }
            requests.phase = .running
            return true
        }
    }

    var isStopRequested: Bool { isStopping.load(ordering: .acquiring) }

    var failure: (any Error)? { requests.withLock { $0.failure } }

    /// Runs a save to the offset store. There is one at a time.
    func save(_ body: @escaping @Sendable () async -> Void) {
        let task = Task { await body() }
        lastSave.withLock { $0 = task }
    }

    /// The save that was started last, which may outlive the consumer if the store does not answer.
    var unfinishedSave: Task<Void, Never>? { lastSave.withLock { $0 } }

    /// Hands the thread the outcome of a save. There is one save at a time, so this holds one.
    func post(_ outcome: CommitOutcome) {
        requests.withLock { $0.storeOutcomes.append(outcome) }
        signal.raise()
    }

    func takeStoreOutcomes() -> [CommitOutcome] {
        requests.withLock { requests in
            defer { requests.storeOutcomes = [] }
            return requests.storeOutcomes
        }
    }

    /// Tells the thread that one of the user's assignment callbacks has returned. There are as many of
    /// them as librdkafka has sent assignments, which it does one after the other.
    func post(callbackEnd id: AssignmentCallback.ID) {
        requests.withLock { $0.callbackEnds.append(id) }
        signal.raise()
    }

    func takeCallbackEnds() -> [AssignmentCallback.ID] {
        requests.withLock { requests in
            defer { requests.callbackEnds = [] }
            return requests.callbackEnds
        }
    }

    /// Tells the thread which topics exist now. It asks for that itself, once at a time.
    func post(foundTopics topics: [String]) {
        requests.withLock { $0.foundTopics = topics }
    }

    func takeFoundTopics() -> [String] {
        requests.withLock { requests in
            defer { requests.foundTopics = [] }
            return requests.foundTopics
        }
    }

    /// How the thread was doing when it looked last.
    var health: ConsumerHealth {
        vitals.withLock { $0 }.health(processing.health, isStopping: isStopRequested, at: .now)
    }

    /// What became of a question to the thread.
    enum Asked<Answer: Sendable>: Sendable {
        /// It does not run yet.
        case preparing
        /// It does not run any more.
        case over
        case asked(OneShot<Answer>)
    }

    /// Asks the thread something.
    func ask<Answer: Sendable>(_ question: (inout ConsumerInquiry) -> OneShot<Answer>) -> Asked<Answer> {
        let asked: Asked<Answer> = requests.withLock { requests in
            switch requests.phase {
            case .preparing: return .preparing
            case .stoppedBefore, .over: return .over
            case .running:
                var inquiry = requests.inquiry ?? ConsumerInquiry()
                defer { requests.inquiry = inquiry }
                return .asked(question(&inquiry))
            }
        }
        if case .asked = asked { signal.raise() }
        return asked
    }

    func takeInquiry() -> ConsumerInquiry? {
        requests.withLock { requests in
            defer { requests.inquiry = nil }
            return requests.inquiry
        }
    }

    /// Called by the thread when it answers no more.
    func closeInquiries() {
        let last = requests.withLock { requests in
            requests.phase = .over
            defer { requests.inquiry = nil }
            return requests.inquiry
        }
        last?.answerIdle(isPaused: intake.isPaused)
    }
}
