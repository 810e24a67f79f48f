import Synchronization

/// How a worker's time with an element ended.
package enum WorkOutcome<Element: Sendable>: Sendable {
    /// The element is done with, one way or another.
    case finished
    /// The element keeps its place at the head of its key, as the given value, until the key is
    /// unparked. No worker is held meanwhile.
    case parked(Element)
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
        /// How many workers the foreman is to add, and the foreman while it waits for that.
        var ordered = 0
        var foreman: UnsafeContinuation<Void, Never>?
    }

    private let shards: [Shard]
    private let work: @Sendable (Element) async -> WorkOutcome<Element>
    private let onPark: @Sendable (ParkedKey, Element) -> Void

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
    ///     when what it waits for has come. Called on the worker, without any lock held.
    ///   - work: what a worker does with an element.
    package init(
        shardCount: Int,
        onPark: @escaping @Sendable (ParkedKey, Element) -> Void,
        work: @escaping @Sendable (Element) async -> WorkOutcome<Element>
    ) {
        shards = (0..<max(1, shardCount)).map { _ in Shard() }
        self.onPark = onPark
        self.work = work
    }

    /// Creates the workers.
    package func start(workers: Int) {
        for _ in 0..<workers { addWorker() }
        Task { await runForeman() }
    }

    /// Lets idle workers go home, and the others when what they run has ended.
    package func stop() {
        let (idle, foreman) = crew.withLock { crew in
            crew.isStopped = true
            defer {
                crew.idle = []
                crew.foreman = nil
            }
            return (crew.idle, crew.foreman)
        }
        for worker in idle { worker.resume(returning: false) }
        foreman?.resume()
    }

    /// How many workers there are, given-up ones included.
    package var workerCount: Int { crew.withLock { $0.tasks.count } }

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

    /// Puts new workers in the place of those that were cancelled and have not ended, so that handlers that
    /// ignore their cancellation do not leave fewer and fewer workers for everybody else (R4).
    package func giveUp(where isMeant: (Element) -> Bool) {
        let count = shards.reduce(0) { count, shard in count + shard.queues.withLock { $0.giveUp(where: isMeant) } }
        guard count > 0 else { return }
        let foreman = crew.withLock { crew in
            crew.ordered += count
            defer { crew.foreman = nil }
            return crew.foreman
        }
        foreman?.resume()
    }

    // MARK: Workers

    /// Adds the workers that ``giveUp(where:)`` orders: a task made here sees the task-local values of
    /// whoever started the pool, one made by the caller would not.
    private func runForeman() async {
        while true {
            await withUnsafeContinuation { continuation in
                let isWaiting = crew.withLock { crew in
                    guard !crew.isStopped, crew.ordered == 0 else { return false }
                    crew.foreman = continuation
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
            let (ordered, isStopped) = crew.withLock { crew in
                defer { crew.ordered = 0 }
                return (crew.ordered, crew.isStopped)
            }
            if isStopped { return }
            for _ in 0..<ordered { addWorker() }
        }
    }

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
        var ending = KeyQueues<Element>.Ending(becameReady: false)
        while !ending.wasCancelled {
            guard let job = take(worker, &cursor) else {
                if await waitForWork() { continue }
                break
            }
            // Somebody has to take what else is ready, since this handler may suspend.
            wake()
            ending = end(job, await work(job.element))
        }
        crew.withLock { _ = $0.tasks.removeValue(forKey: worker) }
        if ending.wasGivenUp {
            // It was replaced, but its key may have become ready just now.
            wake()
        } else if ending.wasCancelled {
            addWorker()
        }
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

    private func end(_ job: Job, _ outcome: WorkOutcome<Element>) -> KeyQueues<Element>.Ending {
        let shard = shards[job.shard]
        let ending = shard.queues.withLock { queues in
            let ending =
                switch outcome {
                case .finished: queues.finish(job.ticket)
                case .parked(let element): queues.park(job.ticket, as: element)
                }
            if ending.becameReady { shard.ready.add(1, ordering: .relaxed) }
            return ending
        }
        if ending.becameReady { ready.add(1, ordering: .sequentiallyConsistent) }
        if case .parked(let element) = outcome {
            onPark(ParkedKey(shard: job.shard, ticket: job.ticket), element)
        }
        return ending
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
