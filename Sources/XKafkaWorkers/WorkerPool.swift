public import Synchronization

/// How a worker's time with an element ended.
public enum WorkOutcome<Element: Sendable>: Sendable {
    /// The element is done with, one way or another.
    case finished
    /// The element keeps its place at the head of its key, as the given value, until the key is
    /// unparked. No worker is held meanwhile.
    case parked(Element)
}

/// What the workers of a ``WorkerPool`` do with their elements.
public protocol ElementWork: Sendable {
    associatedtype Element: Sendable

    /// Works on an element, on a worker.
    func work(_ element: Element) async -> WorkOutcome<Element>

    /// An element was parked: arranges that ``WorkerPool/unpark(_:)`` is called when what it waits for has come. Called
    /// on the worker, without any lock held.
    func parked(_ key: ParkedKey, _ element: Element)
}

/// Names a key whose first element waits to be tried again.
public struct ParkedKey: Sendable {
    @usableFromInline let shard: Int
    @usableFromInline let ticket: KeyLines.Ticket

    @usableFromInline init(shard: Int, ticket: KeyLines.Ticket) {
        self.shard = shard
        self.ticket = ticket
    }
}

/// A fixed number of workers that serve many keys: elements of one key one after the other and in
/// order, elements of different keys at the same time.
///
/// Keys are spread over shards, each with a lock of its own, so that adding and taking elements
/// rarely meet. Workers are tasks created by ``start(workers:)``, so handlers see the task-local
/// values of the task that called it, but not its cancellation.
///
/// Inlinable for the same reason as ``KeyQueues``.
public final class WorkerPool<Work: ElementWork>: Sendable {
    /// What is queued.
    public typealias Element = Work.Element

    @usableFromInline final class Shard: Sendable {
        @usableFromInline let queues = Mutex(KeyQueues<Element>())
        /// How many keys of this shard are ready; a hint that saves taking the lock, under which it is written.
        @usableFromInline let ready = Atomic<Int>(0)

        @usableFromInline init() {}
    }

    @usableFromInline struct Job: Sendable {
        @usableFromInline let shard: Int
        @usableFromInline let element: Element
        @usableFromInline let ticket: KeyLines.Ticket

        @inlinable init(shard: Int, element: Element, ticket: KeyLines.Ticket) {
            self.shard = shard
            self.element = element
            self.ticket = ticket
        }
    }

    /// How many elements of a shard a worker takes in a row. What it ended and what it takes next share one lock then.
    @inlinable static var elementsInARow: Int { 64 }

    @usableFromInline let shards: [Shard]
    @usableFromInline let work: Work
    @usableFromInline let crew = WorkerCrew()

    /// A pool that has no workers yet.
    ///
    /// - Parameters:
    ///   - work: what the workers do with elements.
    ///   - shardCount: how many locks the keys are spread over, at least 1.
    @inlinable public init(_ work: Work, shardCount: Int) {
        self.work = work
        shards = (0..<max(1, shardCount)).map { _ in Shard() }
    }

    /// Creates the workers.
    @inlinable public func start(workers: Int) {
        for _ in 0..<workers { addWorker() }
        Task { await crew.runForeman { self.addWorker() } }
    }

    /// Lets idle workers go home, and the others when what they run has ended.
    @inlinable public func stop() { crew.stop() }

    /// How many workers there are, given-up ones included.
    @inlinable public var workerCount: Int { crew.count }

    // MARK: Elements

    /// Adds an element. Call ``wake()`` after the last of a batch.
    @inlinable public func submit(_ element: Element, key: UInt64, shard: Int) {
        withQueues(of: shard % shards.count) { _ = $0.append(element, key: key) }
    }

    /// Adds elements of one shard, which `element` makes from their numbers. It is called while the shard is locked.
    /// Call ``wake()`` after the last of a batch.
    @inlinable public func submit(
        _ numbers: [Int32],
        shard: Int,
        _ element: (_ number: Int32) -> (Element, key: UInt64)
    ) {
        withQueues(of: shard % shards.count) { queues in
            for number in numbers {
                let (element, key) = element(number)
                _ = queues.append(element, key: key)
            }
        }
    }

    /// Wakes a worker if one is idle and a key is ready. It wakes the next when there is more.
    @inlinable public func wake() {
        crew.wake()
    }

    /// Puts a parked key back into the line.
    @inlinable public func unpark(_ key: ParkedKey) {
        if withQueues(of: key.shard, { $0.unpark(key.ticket) }) { wake() }
    }

    /// Removes elements that no worker has taken, parked ones included.
    @inlinable public func removeAll(where isMeant: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for shard in shards.indices { removed += withQueues(of: shard) { $0.removeAll(where: isMeant) } }
        wake()
        return removed
    }

    /// Cancels the tasks of the workers that run an element for which `isMeant` answers yes.
    ///
    /// A cancelled worker takes no further element; a new one takes its place.
    @inlinable public func cancel(where isMeant: (Element) -> Bool) {
        var workers: [Int] = []
        for shard in shards.indices { workers += withQueues(of: shard) { $0.cancel(where: isMeant) } }
        // Without the lock: cancelling runs the handlers' own cancellation handlers. By now the
        // element may have ended, but then its worker ends as well and nothing else is cancelled.
        crew.cancel(workers)
    }

    /// Puts new workers in the place of those that were cancelled and have not ended, so that handlers that
    /// ignore their cancellation do not leave fewer and fewer workers for everybody else (R4).
    @inlinable public func giveUp(where isMeant: (Element) -> Bool) {
        var count = 0
        for shard in shards.indices { count += withQueues(of: shard) { $0.giveUp(where: isMeant) } }
        crew.order(count)
    }

    /// Everything that changes the queues of a shard goes through here, and is seen by the hints.
    @inlinable func withQueues<Result: Sendable>(
        of index: Int,
        _ body: (inout sending KeyQueues<Element>) -> sending Result
    ) -> Result {
        let shard = shards[index]
        return shard.queues.withLock { queues in
            let result = body(&queues)
            let before = shard.ready.load(ordering: .relaxed)
            let after = queues.readyCount
            if before != after {
                shard.ready.store(after, ordering: .relaxed)
                if before == 0 { crew.readyShards.add(1, ordering: .sequentiallyConsistent) }
                if after == 0 { crew.readyShards.subtract(1, ordering: .sequentiallyConsistent) }
            }
            return result
        }
    }

    // MARK: Workers

    @inlinable func addWorker() {
        crew.add { worker in
            // Made under the crew's lock, so that `cancel` never misses a worker that already runs.
            Task { await self.run(worker) }
        }
    }

    @inlinable func run(_ worker: Int) async {
        var cursor = worker
        var ending = KeyLines.Ending(becameReady: false)
        var inARow = 0
        var taken: Job?
        while !ending.wasCancelled {
            if taken == nil {
                inARow = 0
                taken = take(worker, &cursor)
            }
            guard let job = taken else {
                if await crew.wait() { continue }
                break
            }
            taken = nil
            // Somebody has to take what else is ready, since this handler may suspend.
            wake()
            let outcome = await work.work(job.element)
            inARow += 1
            (ending, taken) = end(job, outcome, worker, takesNext: inARow < Self.elementsInARow)
        }
        crew.remove(worker)
        if ending.wasGivenUp {
            // It was replaced, but its key may have become ready just now.
            wake()
        } else if ending.wasCancelled {
            addWorker()
        }
    }

    @inlinable func take(_ worker: Int, _ cursor: inout Int) -> Job? {
        guard crew.readyShards.load(ordering: .relaxed) > 0 else { return nil }
        for _ in shards.indices {
            cursor = cursor + 1 < shards.count ? cursor + 1 : 0
            guard shards[cursor].ready.load(ordering: .relaxed) > 0 else { continue }
            if let job = withQueues(of: cursor, { next(&$0, cursor, worker) }) { return job }
        }
        return nil
    }

    @inlinable func next(_ queues: inout KeyQueues<Element>, _ shard: Int, _ worker: Int) -> Job? {
        queues.next(worker: worker).map { Job(shard: shard, element: $0.element, ticket: $0.ticket) }
    }

    /// Ends an element and takes the next one of the same shard.
    @inlinable func end(
        _ job: Job,
        _ outcome: WorkOutcome<Element>,
        _ worker: Int,
        takesNext: Bool
    ) -> (KeyLines.Ending, Job?) {
        let answer = withQueues(of: job.shard) { queues in
            let ending =
                switch outcome {
                case .finished: queues.finish(job.ticket)
                case .parked(let element): queues.park(job.ticket, as: element)
                }
            return (ending, takesNext && !ending.wasCancelled ? next(&queues, job.shard, worker) : nil)
        }
        if case .parked(let element) = outcome {
            work.parked(ParkedKey(shard: job.shard, ticket: job.ticket), element)
        }
        return answer
    }
}
