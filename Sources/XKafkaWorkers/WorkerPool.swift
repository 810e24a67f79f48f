import Synchronization

/// How a worker's time with an element ended.
package enum WorkOutcome<Element: Sendable>: Sendable {
    /// The element is done with, one way or another.
    case finished
    /// The element keeps its place at the head of its key, as the given value, until the key is
    /// unparked. No worker is held meanwhile.
    case parked(Element, for: Duration)
}

/// A fixed number of workers that serve many keys: elements of one key one after the other and in
/// order, elements of different keys at the same time.
///
/// Keys are spread over shards, each with a lock of its own, so that adding and taking elements
/// rarely meet. Workers are tasks created by ``start(workers:)``, so handlers see the task-local
/// values of the task that called it, but not its cancellation.
package final class WorkerPool<Element: Sendable>: Sendable {
    /// Names a key whose first element waits to be tried again.
    package struct ParkedKey: Sendable {
        fileprivate let shard: Int
        fileprivate let ticket: KeyQueues<Element>.Ticket
    }

    private final class Shard: Sendable {
        let queues = Mutex(KeyQueues<Element>())
        /// How many keys of this shard are ready; a hint that saves taking the lock.
        let ready = Atomic<Int>(0)
    }

    private struct Job {
        let shard: Int
        let element: Element
        let ticket: KeyQueues<Element>.Ticket
    }

    private struct Crew {
        /// Workers that found nothing to do, the one that stopped last on top: its memory is warm.
        var idle: [UnsafeContinuation<Bool, Never>] = []
        /// Every live worker, so that what it runs can be cancelled.
        var tasks: [Int: Task<Void, Never>] = [:]
        var nextWorker = 0
        var isStopped = false
    }

    private let shards: [Shard]
    private let work: @Sendable (Element) async -> WorkOutcome<Element>
    private let onPark: @Sendable (ParkedKey, Element, Duration) -> Void

    /// How many keys of all shards are ready.
    private let ready = Atomic<Int>(0)
    /// How many workers are idle. Written before the worker looks at `ready` for the last time,
    /// read after `ready` was raised: one of the two always sees the other, so no wake-up is lost.
    private let idleCount = Atomic<Int>(0)
    private let crew = Mutex(Crew())

    /// A pool that has no workers yet.
    ///
    /// - Parameters:
    ///   - shardCount: how many locks the keys are spread over, at least 1.
    ///   - onPark: called when an element was parked, to arrange that ``unpark(_:)`` is called
    ///     after the given time. Called on the worker, without any lock held.
    ///   - work: what a worker does with an element.
    package init(
        shardCount: Int,
        onPark: @escaping @Sendable (ParkedKey, Element, Duration) -> Void,
        work: @escaping @Sendable (Element) async -> WorkOutcome<Element>
    ) {
        shards = (0..<max(1, shardCount)).map { _ in Shard() }
        self.onPark = onPark
        self.work = work
    }

    /// Creates the workers.
    package func start(workers: Int) {
        for _ in 0..<workers { addWorker() }
    }

    /// Lets idle workers go home, and the others when what they run has ended.
    package func stop() {
        let idle = crew.withLock { crew in
            crew.isStopped = true
            defer { crew.idle = [] }
            return crew.idle
        }
        for worker in idle { worker.resume(returning: false) }
    }

    /// Adds an element. Call ``wake()`` after the last of a batch.
    package func submit(_ element: Element, key: UInt64, shard: Int) {
        let shard = shards[shard % shards.count]
        let becameReady = shard.queues.withLock { queues in
            let becameReady = queues.append(element, key: key)
            if becameReady { shard.ready.add(1, ordering: .relaxed) }
            return becameReady
        }
        if becameReady { ready.add(1, ordering: .sequentiallyConsistent) }
    }

    /// Wakes a worker if one is idle and a key is ready. It wakes the next when there is more.
    package func wake() {
        guard
            ready.load(ordering: .sequentiallyConsistent) > 0,
            idleCount.load(ordering: .sequentiallyConsistent) > 0
        else { return }
        let worker = crew.withLock { crew in
            let worker = crew.idle.popLast()
            if worker != nil { idleCount.subtract(1, ordering: .sequentiallyConsistent) }
            return worker
        }
        worker?.resume(returning: true)
    }

    /// Puts a parked key back into the line.
    package func unpark(_ key: ParkedKey) {
        let shard = shards[key.shard]
        let becameReady = shard.queues.withLock { queues in
            let becameReady = queues.unpark(key.ticket)
            if becameReady { shard.ready.add(1, ordering: .relaxed) }
            return becameReady
        }
        if becameReady {
            ready.add(1, ordering: .sequentiallyConsistent)
            wake()
        }
    }

    /// Removes elements that no worker has taken, parked ones included.
    package func removeAll(where isMeant: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for shard in shards {
            let change = shard.queues.withLock { queues in
                let before = queues.readyCount
                removed += queues.removeAll(where: isMeant)
                let change = queues.readyCount - before
                shard.ready.add(change, ordering: .relaxed)
                return change
            }
            ready.add(change, ordering: .sequentiallyConsistent)
        }
        wake()
        return removed
    }

    /// Cancels the tasks of the workers that run an element for which `isMeant` answers yes.
    ///
    /// A cancelled worker takes no further element; a new one takes its place.
    package func cancel(where isMeant: (Element) -> Bool) {
        var workers: [Int] = []
        for shard in shards {
            workers += shard.queues.withLock { $0.cancel(where: isMeant) }
        }
        let tasks = crew.withLock { crew in workers.compactMap { crew.tasks[$0] } }
        // Without the lock: cancelling runs the handlers' own cancellation handlers. By now the
        // element may have ended, but then its worker ends as well and nothing else is cancelled.
        for task in tasks { task.cancel() }
    }

    // MARK: Workers

    private func addWorker() {
        crew.withLock { crew in
            guard !crew.isStopped else { return }
            let worker = crew.nextWorker
            crew.nextWorker += 1
            // Made under the lock so that `cancel` never misses a worker that already runs.
            crew.tasks[worker] = Task { await self.run(worker) }
        }
    }

    private func run(_ worker: Int) async {
        var cursor = worker
        var wasCancelled = false
        while !wasCancelled {
            guard let job = take(worker, &cursor) else {
                if await waitForWork() { continue }
                break
            }
            // Somebody has to take what else is ready, since this handler may suspend.
            wake()
            wasCancelled = end(job, await work(job.element))
        }
        crew.withLock { _ = $0.tasks.removeValue(forKey: worker) }
        if wasCancelled { addWorker() }
    }

    private func take(_ worker: Int, _ cursor: inout Int) -> Job? {
        guard ready.load(ordering: .relaxed) > 0 else { return nil }
        for _ in shards.indices {
            cursor = cursor + 1 < shards.count ? cursor + 1 : 0
            let shard = shards[cursor]
            guard shard.ready.load(ordering: .relaxed) > 0 else { continue }
            let job = shard.queues.withLock { queues -> Job? in
                guard let (element, ticket) = queues.next(worker: worker) else { return nil }
                shard.ready.subtract(1, ordering: .relaxed)
                return Job(shard: cursor, element: element, ticket: ticket)
            }
            if let job {
                ready.subtract(1, ordering: .sequentiallyConsistent)
                return job
            }
        }
        return nil
    }

    /// Answers whether the worker was told to cancel what it ran.
    private func end(_ job: Job, _ outcome: WorkOutcome<Element>) -> Bool {
        let shard = shards[job.shard]
        let ending = shard.queues.withLock { queues in
            let ending =
                switch outcome {
                case .finished: queues.finish(job.ticket)
                case .parked(let element, _): queues.park(job.ticket, as: element)
                }
            if ending.becameReady { shard.ready.add(1, ordering: .relaxed) }
            return ending
        }
        if ending.becameReady { ready.add(1, ordering: .sequentiallyConsistent) }
        if case .parked(let element, let pause) = outcome {
            onPark(ParkedKey(shard: job.shard, ticket: job.ticket), element, pause)
        }
        return ending.wasCancelled
    }

    /// Answers whether there may be work; otherwise the pool has been stopped.
    private func waitForWork() async -> Bool {
        await withUnsafeContinuation { continuation in
            let answer: Bool? = crew.withLock { crew in
                if crew.isStopped { return false }
                idleCount.add(1, ordering: .sequentiallyConsistent)
                if ready.load(ordering: .sequentiallyConsistent) > 0 {
                    idleCount.subtract(1, ordering: .sequentiallyConsistent)
                    return true
                }
                crew.idle.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}
