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
    associatedtype Bundle: ElementBundle
    typealias Element = Bundle.Element

    /// Works on an element, on a worker.
    func work(_ element: Element) async -> WorkOutcome<Element>

    /// Works on an element of a run, on a worker. Answers `nil` when it is done with and its end is to be told by
    /// ``end(_:of:)``, together with others.
    func work(_ number: Int, of bundle: Bundle) async -> WorkOutcome<Element>?

    /// Tells the ends of elements of a run. Called from anywhere, without any lock held.
    func end(_ numbers: Range<Int>, of bundle: Bundle)

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
/// As long as elements are quick, those that were added together are worked through in a run, which costs
/// hardly more than calling a function for each: see ``ElementRun``. Whether they are is measured all the time.
///
/// Inlinable for the same reason as ``KeyQueues``.
public final class WorkerPool<Work: ElementWork>: Sendable {
    /// What is queued.
    public typealias Element = Work.Element
    /// What is added together.
    public typealias Bundle = Work.Bundle

    @usableFromInline typealias Queues = ShardQueues<Bundle>

    @usableFromInline final class Shard: Sendable {
        @usableFromInline let queues = Mutex(Queues())
        /// For how many workers there is something in this shard; a hint that saves taking the lock, under which it
        /// is written.
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

    /// What a worker takes from a shard.
    @usableFromInline enum Taken: Sendable {
        case element(Job)
        case run(ElementRun<Bundle>, shard: Int)
    }

    /// How many elements of a shard a worker takes in a row. What it ended and what it takes next share one lock then.
    @inlinable static var elementsInARow: Int { 64 }

    @usableFromInline let shards: [Shard]
    @usableFromInline let work: Work
    @usableFromInline let crew = WorkerCrew()
    @usableFromInline let pace: WorkPace

    /// A pool that has no workers yet.
    ///
    /// - Parameters:
    ///   - work: what the workers do with elements.
    ///   - shardCount: how many locks the keys are spread over, at least 1.
    ///   - pace: whether elements are quick.
    @inlinable public init(_ work: Work, shardCount: Int, pace: WorkPace = WorkPace()) {
        self.work = work
        self.pace = pace
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
        withKeys(of: shard % shards.count) { _ = $0.append(element, key: key) }
    }

    /// Adds elements of one shard. Call ``wake()`` after the last of a batch.
    @inlinable public func submit(_ bundle: Bundle, shard: Int) {
        let isQuick = pace.isQuick
        withQueues(of: shard % shards.count) { queues in (queues.add(bundle, asRun: isQuick), ()) }
    }

    /// Wakes a worker if one is idle and a key is ready. It wakes the next when there is more.
    @inlinable public func wake() {
        crew.wake()
    }

    /// Puts a parked key back into the line.
    @inlinable public func unpark(_ key: ParkedKey) {
        if withKeys(of: key.shard, { $0.unpark(key.ticket) }) { wake() }
    }

    /// Removes elements that no worker has taken, parked ones included.
    @inlinable public func removeAll(where isMeant: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for shard in shards.indices { removed += withKeys(of: shard) { $0.removeAll(where: isMeant) } }
        wake()
        return removed
    }

    /// Puts others in the place of the elements queued by key for which `replacement` has one; a worker that has one of
    /// them goes on with what it has. Called while a shard is locked.
    @inlinable public func replace(_ replacement: (Element) -> Element?) {
        for shard in shards { shard.queues.withLock { $0.keys.replace(replacement) } }
    }

    /// Cancels the tasks of the workers that run an element for which `isMeant` answers yes.
    ///
    /// A cancelled worker takes no further element; a new one takes its place.
    @inlinable public func cancel(where isMeant: (Element) -> Bool) {
        var workers: [Int] = []
        for shard in shards.indices { workers += withKeys(of: shard) { $0.cancel(where: isMeant) } }
        // Without the lock: cancelling runs the handlers' own cancellation handlers. By now the
        // element may have ended, but then its worker ends as well and nothing else is cancelled.
        crew.cancel(workers)
    }

    /// Puts new workers in the place of those that were cancelled and have not ended, so that handlers that
    /// ignore their cancellation do not leave fewer and fewer workers for everybody else (R4).
    @inlinable public func giveUp(where isMeant: (Element) -> Bool) {
        var count = 0
        for shard in shards.indices { count += withKeys(of: shard) { $0.giveUp(where: isMeant) } }
        crew.order(count)
    }

    /// Says something of the queues by key of a shard, in which everything is then.
    @inlinable func withKeys<Result: Sendable>(
        of index: Int,
        _ body: (inout KeyQueues<Element>) -> Result
    ) -> Result {
        withQueues(of: index) { queues in
            let ends = queues.takeApart()
            return (ends, body(&queues.keys))
        }
    }

    /// Everything that changes the queues of a shard goes through here, and is seen by the hints. What was found to
    /// have ended is told afterwards.
    @inlinable func withQueues<Result: Sendable>(
        of index: Int,
        _ body: (inout Queues) -> (Queues.Ends?, Result)
    ) -> Result {
        let shard = shards[index]
        let (ends, result) = shard.queues.withLock { queues in
            let answer = body(&queues)
            let before = shard.ready.load(ordering: .relaxed)
            let after = queues.readyCount
            if before != after {
                shard.ready.store(after, ordering: .relaxed)
                if before == 0 { crew.readyShards.add(1, ordering: .sequentiallyConsistent) }
                if after == 0 { crew.readyShards.subtract(1, ordering: .sequentiallyConsistent) }
            }
            return answer
        }
        if let ends { work.end(ends.numbers, of: ends.bundle) }
        return result
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
        var row = WorkPace.Row()
        var taken: Taken?
        while !ending.wasCancelled {
            if taken == nil {
                pace.note(row)
                taken = take(worker, &cursor)
                row.begin(isEmpty: taken == nil)
            }
            guard let next = taken else {
                if await crew.wait() { continue }
                break
            }
            taken = nil
            // Somebody has to take what else is ready, since this handler may suspend.
            wake()
            switch next {
            case .element(let job):
                let outcome = await work.work(job.element)
                row.count += 1
                (ending, taken) = end(job, outcome, worker, takesNext: row.count < Self.elementsInARow)
            case .run(let run, let shard):
                row.count += run.count
                (ending, taken) = await workThrough(
                    run,
                    shard,
                    worker,
                    takesNext: row.count < Self.elementsInARow
                )
            }
        }
        crew.remove(worker)
        if ending.wasGivenUp {
            // It was replaced, but its key may have become ready just now.
            wake()
        } else if ending.wasCancelled {
            addWorker()
        }
    }

    @inlinable func take(_ worker: Int, _ cursor: inout Int) -> Taken? {
        guard crew.readyShards.load(ordering: .relaxed) > 0 else { return nil }
        for _ in shards.indices {
            cursor = cursor + 1 < shards.count ? cursor + 1 : 0
            guard shards[cursor].ready.load(ordering: .relaxed) > 0 else { continue }
            if let taken = withQueues(of: cursor, { (nil, next(&$0, cursor, worker)) }) { return taken }
        }
        return nil
    }

    @inlinable func next(_ queues: inout Queues, _ shard: Int, _ worker: Int) -> Taken? {
        if let run = queues.beginRun(worker: worker) { return .run(run, shard: shard) }
        return queues.keys.next(worker: worker).map {
            .element(Job(shard: shard, element: $0.element, ticket: $0.ticket))
        }
    }

    /// Ends an element and takes the next one of the same shard.
    @inlinable func end(
        _ job: Job,
        _ outcome: WorkOutcome<Element>,
        _ worker: Int,
        takesNext: Bool
    ) -> (KeyLines.Ending, Taken?) {
        let answer: (KeyLines.Ending, Taken?) = withQueues(of: job.shard) { queues in
            let (ending, ends): (KeyLines.Ending, Queues.Ends?) =
                switch outcome {
                case .finished: (queues.keys.finish(job.ticket), nil)
                case .parked(let element): queues.park(job.ticket, as: element)
                }
            return (ends, (ending, takesNext && !ending.wasCancelled ? next(&queues, job.shard, worker) : nil))
        }
        if case .parked(let element) = outcome {
            work.parked(ParkedKey(shard: job.shard, ticket: job.ticket), element)
        }
        return answer
    }
}
