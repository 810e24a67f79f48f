public import Synchronization

/// The workers of a ``WorkerPool``: who is idle, and who is to be cancelled or replaced.
@usableFromInline final class WorkerCrew: Sendable {
    private struct State {
        /// Workers that found nothing to do, the one that stopped last on top: its memory is warm.
        var idle: [UnsafeContinuation<Bool, Never>] = []
        /// Every live worker, so that what it runs can be cancelled.
        var tasks: [Int: Task<Void, Never>] = [:]
        var nextWorker = 0
        var isStopped = false
        /// How many workers the foreman is to add, and the foreman while it waits for that.
        var ordered = 0
        var foreman: UnsafeContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    /// How many shards have a key that is ready.
    @usableFromInline let readyShards = Atomic<Int>(0)
    /// How many workers are idle. Written before a worker looks for the last time whether anything is ready, read
    /// after something became ready: one of the two always sees the other, so no wake-up is lost.
    private let idleCount = Atomic<Int>(0)
    /// Whether a worker was woken and has not arrived yet. It looks for work after it has cleared this, and wakes the
    /// next, so nobody else has to be woken meanwhile: a burst would otherwise wake everybody, to find nothing.
    private let isWaking = Atomic<Bool>(false)

    @usableFromInline init() {}

    @usableFromInline var count: Int { state.withLock { $0.tasks.count } }

    @usableFromInline func stop() {
        let (idle, foreman) = state.withLock { state in
            state.isStopped = true
            defer {
                state.idle = []
                state.foreman = nil
            }
            return (state.idle, state.foreman)
        }
        for worker in idle { worker.resume(returning: false) }
        foreman?.resume()
    }

    // MARK: Waking

    /// Wakes an idle worker, if there is one, something is ready, and none is on its way.
    @usableFromInline func wake() {
        guard
            readyShards.load(ordering: .sequentiallyConsistent) > 0,
            idleCount.load(ordering: .sequentiallyConsistent) > 0,
            !isWaking.load(ordering: .sequentiallyConsistent),
            !isWaking.exchange(true, ordering: .sequentiallyConsistent)
        else { return }
        let worker = state.withLock { state in
            let worker = state.idle.popLast()
            if worker != nil { idleCount.subtract(1, ordering: .sequentiallyConsistent) }
            return worker
        }
        if let worker {
            worker.resume(returning: true)
        } else {
            isWaking.store(false, ordering: .sequentiallyConsistent)
        }
    }

    /// Waits for a wake-up, unless something is ready. Answers whether there may be work; otherwise the crew has been
    /// stopped.
    @usableFromInline func wait() async -> Bool {
        var isIdle = true
        let mayHaveWork = await withUnsafeContinuation { continuation in
            let answer: Bool? = state.withLock { state in
                if state.isStopped { return false }
                idleCount.add(1, ordering: .sequentiallyConsistent)
                if readyShards.load(ordering: .sequentiallyConsistent) > 0 {
                    idleCount.subtract(1, ordering: .sequentiallyConsistent)
                    return true
                }
                state.idle.append(continuation)
                return nil
            }
            if let answer {
                isIdle = false
                continuation.resume(returning: answer)
            }
        }
        if isIdle { isWaking.store(false, ordering: .sequentiallyConsistent) }
        return mayHaveWork
    }

    // MARK: Workers

    /// Adds a worker, whose task `start` makes, unless the crew was stopped.
    @usableFromInline func add(_ start: (_ worker: Int) -> Task<Void, Never>) {
        state.withLock { state in
            guard !state.isStopped else { return }
            let worker = state.nextWorker
            state.nextWorker += 1
            state.tasks[worker] = start(worker)
        }
    }

    @usableFromInline func remove(_ worker: Int) {
        state.withLock { _ = $0.tasks.removeValue(forKey: worker) }
    }

    @usableFromInline func cancel(_ workers: [Int]) {
        guard !workers.isEmpty else { return }
        let tasks = state.withLock { state in workers.compactMap { state.tasks[$0] } }
        for task in tasks { task.cancel() }
    }

    /// Has the foreman add workers.
    @usableFromInline func order(_ count: Int) {
        guard count > 0 else { return }
        let foreman = state.withLock { state in
            state.ordered += count
            defer { state.foreman = nil }
            return state.foreman
        }
        foreman?.resume()
    }

    /// Adds the workers that ``order(_:)`` asks for, until the crew is stopped: a task made here sees the task-local
    /// values of whoever started the pool, one made by the caller of ``order(_:)`` would not.
    @usableFromInline func runForeman(_ addWorker: () -> Void) async {
        while true {
            await withUnsafeContinuation { continuation in
                let isWaiting = state.withLock { state in
                    guard !state.isStopped, state.ordered == 0 else { return false }
                    state.foreman = continuation
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
            let (ordered, isStopped) = state.withLock { state in
                defer { state.ordered = 0 }
                return (state.ordered, state.isStopped)
            }
            if isStopped { return }
            for _ in 0..<ordered { addWorker() }
        }
    }
}
