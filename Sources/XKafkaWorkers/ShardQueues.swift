public import DequeModule
import Synchronization

/// What a shard of a ``WorkerPool`` holds: queues by key, and behind them runs.
///
/// A run begins only when nothing is queued by key, and what is added to a queue comes behind what is in runs: these are
/// taken apart first. So the two never have to be put in order, and everything that is rare is said of the queues alone.
@usableFromInline struct ShardQueues<Bundle: ElementBundle>: Sendable {
    @usableFromInline typealias Run = ElementRun<Bundle>
    @usableFromInline typealias Ticket = KeyLines.Ticket

    /// Elements that have ended, and whose ends are still to be told.
    @usableFromInline struct Ends: Sendable {
        @usableFromInline let bundle: Bundle
        @usableFromInline let numbers: Range<Int>

        @inlinable init(_ bundle: Bundle, _ numbers: Range<Int>) {
            self.bundle = bundle
            self.numbers = numbers
        }
    }

    /// What runs wait for, as it was when somebody looked.
    @usableFromInline enum Obstacle: Equatable, Sendable {
        /// An element of the run that is worked on.
        case element(run: Int, begun: Int)
        /// Keys whose first elements are worked on, or wait to be tried again.
        case keys
    }

    @usableFromInline var keys = KeyQueues<Bundle.Element>()
    @usableFromInline var waiting: Deque<Run> = []
    /// The run that is worked on, and by which worker.
    @usableFromInline var current: Run?
    @usableFromInline var worker = 0
    /// How many runs were begun.
    @usableFromInline var runsBegun = 0
    /// A key that takes its time. Until its element ends nothing waits behind the queues.
    @usableFromInline var slowKey: Ticket?
    private var obstacle: Obstacle?

    @usableFromInline init() {}

    /// How many workers could begin something.
    @inlinable var readyCount: Int { keys.readyCount + (canBeginRun ? 1 : 0) }

    @inlinable var canBeginRun: Bool { current == nil && keys.count == 0 && !waiting.isEmpty }

    /// Whether anything is in a run.
    @inlinable var hasRuns: Bool { current != nil || !waiting.isEmpty }

    /// Adds elements, in a run if that is wanted and possible. Answers what ``takeApart()`` does.
    @inlinable mutating func add(_ bundle: Bundle, asRun: Bool) -> Ends? {
        if let key = slowKey, !keys.isInUse(key) { slowKey = keys.ticket(ofAny: .parked) }
        if asRun, slowKey == nil {
            waiting.append(Run(bundle))
            return nil
        }
        let ends = takeApart()
        queue(bundle, from: 0)
        return ends
    }

    @inlinable mutating func queue(_ bundle: Bundle, from first: Int) {
        for number in first..<bundle.count { _ = keys.append(bundle.element(number), key: bundle.key(number)) }
    }

    /// Keeps a key out of the line until it is unparked. Answers what ``takeApart()`` does.
    @inlinable mutating func park(_ ticket: Ticket, as element: Bundle.Element) -> (KeyLines.Ending, Ends?) {
        let ending = keys.park(ticket, as: element)
        slowKey = slowKey ?? ticket
        return (ending, takeApart())
    }

    // MARK: Runs

    /// Begins the run whose turn it is.
    @inlinable mutating func beginRun(worker: Int) -> Run? {
        guard canBeginRun, let run = waiting.popFirst() else { return nil }
        current = run
        self.worker = worker
        runsBegun += 1
        return run
    }

    /// A worker has nothing more to begin in a run. Answers whose ends it has to tell.
    @inlinable mutating func finish(_ run: Run) -> (ending: KeyLines.Ending, numbers: Range<Int>) {
        guard let remainder = run.remainder else {
            current = nil
            return (KeyLines.Ending(becameReady: false), 0..<run.count)
        }
        let ending = remainder.ticket.map { keys.finish($0) }
        return (ending ?? KeyLines.Ending(becameReady: false), remainder.numbers)
    }

    /// Queues by key what is in runs, except what has ended. Answers what that was, as far as no worker tells it.
    @inlinable mutating func takeApart() -> Ends? {
        guard hasRuns else { return nil }
        var ends: Ends?
        if let run = current {
            current = nil
            let begun = run.takeBack()
            if begun > run.count {
                run.remainder = .init(numbers: 0..<run.count, ticket: nil)
            } else if begun == 0 {
                run.remainder = .init(numbers: 0..<0, ticket: nil)
                queue(run.bundle, from: 0)
            } else {
                // The last one that was begun runs, or has ended just now. Nothing else is queued while a run is
                // worked on, so it is its key's, and the shard's, first.
                let last = begun - 1
                _ = keys.append(run.bundle.element(last), key: run.bundle.key(last))
                let ticket = keys.next(worker: worker)?.ticket
                run.remainder = .init(numbers: last..<begun, ticket: ticket)
                slowKey = slowKey ?? ticket
                if last > 0 { ends = Ends(run.bundle, 0..<last) }
                queue(run.bundle, from: begun)
            }
        }
        while let run = waiting.popFirst() { queue(run.bundle, from: 0) }
        return ends
    }

    // MARK: What takes its time

    /// Looks what runs wait for. Answers whether that is what they waited for at the last look.
    @usableFromInline mutating func isStalled() -> Bool {
        let before = obstacle
        obstacle = nil
        if let run = current {
            let begun = run.begun.load(ordering: .relaxed)
            if begun > 0 { obstacle = .element(run: runsBegun, begun: begun) }
        } else if !waiting.isEmpty, keys.count > 0, keys.readyCount == 0 {
            obstacle = .keys
        }
        guard let obstacle, obstacle == before else { return false }
        if obstacle == .keys { slowKey = keys.ticket(ofAny: .running) ?? keys.ticket(ofAny: .parked) }
        return true
    }

    /// How many elements there are, those being worked on included.
    @inlinable var count: Int {
        var count = keys.count
        for run in waiting { count += run.count }
        if let current { count += max(0, current.count - max(0, current.begunCount - 1)) }
        return count
    }

    /// Calls `body` with the first element of every key, and with the one of the run that is worked on.
    @inlinable func forEachFirst(_ body: (Bundle.Element, KeyLines.Standing) -> Void) {
        keys.forEachFirst(body)
        guard let current, (1...current.count).contains(current.begunCount) else { return }
        body(current.bundle.element(current.begunCount - 1), .running)
    }
}
