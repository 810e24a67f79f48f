import Logging
import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaTransport
import XKafkaWorkers

/// What the consumer thread and the workers of one `consume` call share.
final class ConsumeRuntime: Sendable {
    typealias Handler = @Sendable (ConsumeContext) async throws -> Void

    /// Set while a handler of this runtime runs: stopping from inside must not wait for itself.
    @TaskLocal static var current: ConsumeRuntime?

    /// Whether the consumer thread runs yet, and whether it still may be started.
    private enum Phase {
        case preparing, running, stoppedBefore
    }

    private struct Requests {
        var phase = Phase.preparing
        var failure: (any Error)?
        var storeOutcomes: [CommitOutcome] = []
    }

    let processing: ProcessingConfig
    let logger: Logger
    let signal = WakeSignal()
    let credit: Credit
    let timers = RetryTimers()
    /// Raised when a message was completed, lowered when the progress is read for a commit.
    let hasProgress = Atomic<Bool>(false)
    /// How many times the sweep found a message that nothing had announced; 0 is expected.
    let sweepFinds = Atomic<Int>(0)
    /// How many messages one partition may have in hand; follows the number of partitions.
    let partitionLimit: Atomic<Int>
    /// How the call ended. Resolved last.
    let ended = OneShot<Result<DrainReport, any Error>>()

    /// Whether the consumer is to stop: no handler starts from then on, even before the thread has
    /// noticed.
    private let isStopping = Atomic<Bool>(false)
    private let handler: Handler
    private let requests = Mutex(Requests())
    private let lastSave = Mutex<Task<Void, Never>?>(nil)
    /// Set once, right after it was made: it refers back to the runtime.
    private let workers = Mutex<WorkerPool<WorkItem>?>(nil)

    init(processing: ProcessingConfig, logger: Logger, handler: @escaping Handler) {
        self.processing = processing
        self.logger = logger
        self.handler = handler
        credit = Credit(messages: processing.messageLimit, bytes: processing.byteBudget)
        partitionLimit = Atomic(processing.messageLimit)
    }

    /// Makes the workers, as tasks that see the caller's task-local values.
    func startWorkers() -> WorkerPool<WorkItem> {
        let pool = WorkerPool<WorkItem>(
            shardCount: processing.shardCount,
            onPark: { [weak self] key, item, pause in self?.park(key, item, pause) },
            work: { [weak self] item in await self?.work(item) ?? .finished }
        )
        workers.withLock { $0 = pool }
        Self.$current.withValue(self) { pool.start(workers: processing.maxConcurrentHandlers) }
        return pool
    }

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

    // MARK: Work

    private func work(_ item: WorkItem) async -> WorkOutcome<WorkItem> {
        // Checked before every attempt: nothing starts for a partition that is being given back (R10).
        guard mayStart(item) else { return finish(item, .returned) }
        do {
            try await handler(item.context)
            return finish(item, .completed)
        } catch {
            return fail(item, error)
        }
    }

    private func fail(_ item: WorkItem, _ error: any Error) -> WorkOutcome<WorkItem> {
        // Only the pool cancels workers: the drain deadline has passed, or the partition was lost.
        if Task.isCancelled { return finish(item, .cancelled) }
        guard mayStart(item) else { return finish(item, .returned) }
        let attempt = item.context.attempt
        if processing.retry.isExhausted(afterAttempt: attempt), processing.exhaustedPolicy == .stop {
            logger.error("xkafka stop consuming message", metadata: metadata(item, error))
            requestStop(failure: ConsumerError(.retriesExhausted, position: item.position, cause: error))
            return finish(item, .returned)
        }
        var random = SystemRandomNumberGenerator()
        let pause = processing.retry.pause(afterAttempt: attempt, using: &random)
        logger.warning(
            "xkafka retrying message",
            metadata: metadata(item, error).merging(["backoff": "\(pause)"]) { $1 }
        )
        return .parked(item.forNextAttempt(), for: pause)
    }

    private func mayStart(_ item: WorkItem) -> Bool {
        item.partition.mayStart && !isStopRequested
    }

    private func finish(_ item: WorkItem, _ ending: PartitionState.Ending) -> WorkOutcome<WorkItem> {
        end(item, ending)
        return .finished
    }

    /// Notes how a message ended and wakes the thread when that matters to it.
    func end(_ item: WorkItem, _ ending: PartitionState.Ending) {
        let effects = item.partition.end(item, ending)
        if effects.madeProgress { hasProgress.store(true, ordering: .releasing) }
        let wantsToKnow = credit.giveBack(bytes: item.bytes)
        if effects.isDrained || wantsToKnow { signal.raise() }
    }

    private func park(_ key: RetryTimers.Key, _ item: WorkItem, _ pause: Duration) {
        guard mayStart(item) else {
            // The partition was given up while the message was being parked: nobody removed it then,
            // so the next worker does.
            workers.withLock { $0 }?.unpark(key)
            return
        }
        if timers.add(key, at: .now + pause) { signal.raise() }
    }

    private func metadata(_ item: WorkItem, _ error: any Error) -> Logger.Metadata {
        [
            "topic": "\(item.context.topic)", "partition": "\(item.context.partition)",
            "offset": "\(item.context.offset)", "logical_key": "\(String(item.context.logicalKey))",
            "shard": "\(item.context.shard)", "attempt": "\(item.context.attempt)", "error": "\(error)",
        ]
    }
}

/// What became of one commit, or of one save to an offset store.
struct CommitOutcome: Sendable {
    let number: Int
    let partitions: [(offset: TopicPartitionOffset, error: (any Error)?)]
    /// The error of the request as a whole.
    var requestError: (any Error)?

    /// The first error, if any.
    var error: (any Error)? { requestError ?? partitions.lazy.compactMap(\.error).first }
}
