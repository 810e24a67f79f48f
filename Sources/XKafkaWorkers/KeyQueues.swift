import DequeModule

/// A first-in-first-out queue for each key, handing out at most one element of a key at a time.
///
/// This is the order rule (R2) as a data structure: the next element of a key comes out only after
/// the previous one was finished, and a key that waits never holds up another (R4). Keys take
/// turns: one that was just served goes to the end of the line.
///
/// A key is named by a number. Two keys with the same number merely wait for one another, so a
/// good hash is enough and no key has to be kept.
package struct KeyQueues<Element: Sendable>: Sendable {
    /// Names the key that an element was taken from, until it is finished.
    package struct Ticket: Sendable, Hashable {
        fileprivate let queue: Int
        /// Tells this use of the queue's place from earlier ones.
        fileprivate let generation: UInt64
    }

    private enum Phase {
        /// In `ready`, waiting for its turn.
        case ready
        /// Its first element is being worked on by `worker`.
        case running(worker: Int)
        /// Its first element failed and waits to be tried again.
        case parked
    }

    private struct Queue {
        var key: UInt64
        var generation: UInt64
        var phase: Phase
        /// Ends of the linked list of elements; the first one stays in the list while it runs.
        var first: Int
        var last: Int
        /// Whoever finishes the running element must not take another (see `cancel`).
        var isCancelled = false
        /// Its worker was given up, and another took its place (see `giveUp`).
        var isGivenUp = false
    }

    private struct Node {
        /// `nil` only while the place is free.
        var element: Element?
        var next: Int
    }

    private static var none: Int { -1 }

    // All places are reused: at rest nothing is allocated per element.
    private var nodes: [Node] = []
    private var freeNodes: [Int] = []
    private var queues: [Queue] = []
    private var freeQueues: [Int] = []
    private var queueOfKey: [UInt64: Int] = [:]
    private var ready: Deque<Int> = []
    private var nextGeneration: UInt64 = 0

    /// How many elements are held, those being worked on included.
    package private(set) var count = 0

    package init() {}

    /// How many keys have an element that can be taken now.
    package var readyCount: Int { ready.count }

    /// Adds an element at the end of its key's queue. Answers whether that made the key ready.
    package mutating func append(_ element: Element, key: UInt64) -> Bool {
        let node = takeNode(element)
        count += 1
        if let index = queueOfKey[key] {
            nodes[queues[index].last].next = node
            queues[index].last = node
            return false
        }
        let index = takeQueue(key: key, node: node)
        queueOfKey[key] = index
        ready.append(index)
        return true
    }

    /// Takes the first element of the key whose turn it is; `nil` when no key is ready.
    ///
    /// The key stays busy until ``finish(_:)`` or ``park(_:)``.
    package mutating func next(worker: Int) -> (element: Element, ticket: Ticket)? {
        while let index = ready.popFirst() {
            guard let element = nodes[queues[index].first].element else { continue }
            queues[index].phase = .running(worker: worker)
            return (element, Ticket(queue: index, generation: queues[index].generation))
        }
        return nil
    }

    /// What the worker that ended an element has to know.
    package struct Ending: Equatable {
        /// The key became ready again.
        package var becameReady: Bool
        /// The worker was told to cancel that element and must not work on another.
        package var wasCancelled = false
        /// The worker was given up meanwhile, and has been replaced.
        package var wasGivenUp = false
    }

    /// Removes a key's running element; its followers become ready.
    package mutating func finish(_ ticket: Ticket) -> Ending {
        guard let index = running(ticket) else { return Ending(becameReady: false) }
        var ending = endRunning(index)
        removeFirst(of: index)
        ending.becameReady = makeReadyOrRemove(index)
        return ending
    }

    /// Keeps a key's running element in first place, replaced by `element`, and the key out of the
    /// line until ``unpark(_:)``.
    package mutating func park(_ ticket: Ticket, as element: Element) -> Ending {
        guard let index = running(ticket) else { return Ending(becameReady: false) }
        let ending = endRunning(index)
        queues[index].phase = .parked
        nodes[queues[index].first].element = element
        return ending
    }

    private mutating func endRunning(_ index: Int) -> Ending {
        defer {
            queues[index].isCancelled = false
            queues[index].isGivenUp = false
        }
        return Ending(
            becameReady: false,
            wasCancelled: queues[index].isCancelled,
            wasGivenUp: queues[index].isGivenUp
        )
    }

    /// Puts a parked key back into the line. Answers whether it became ready: a ticket of a key
    /// that is not parked any more changes nothing (R8).
    package mutating func unpark(_ ticket: Ticket) -> Bool {
        guard
            queues.indices.contains(ticket.queue), queues[ticket.queue].generation == ticket.generation,
            case .parked = queues[ticket.queue].phase
        else { return false }
        queues[ticket.queue].phase = .ready
        ready.append(ticket.queue)
        return true
    }

    /// Marks running elements as cancelled and answers their workers. Whoever finishes such an
    /// element learns of it, and so never passes the cancellation on to another element.
    package mutating func cancel(where isMeant: (Element) -> Bool) -> [Int] {
        var workers: [Int] = []
        for index in queues.indices {
            guard
                case .running(let worker) = queues[index].phase, queues[index].first != Self.none,
                !queues[index].isCancelled, let element = nodes[queues[index].first].element, isMeant(element)
            else { continue }
            queues[index].isCancelled = true
            workers.append(worker)
        }
        return workers
    }

    /// Gives up the workers of cancelled elements that still run. Answers how many those are. Their keys
    /// stay busy until the elements end: nothing of a key overlaps (R2).
    package mutating func giveUp(where isMeant: (Element) -> Bool) -> Int {
        var count = 0
        for index in queues.indices {
            guard
                case .running = queues[index].phase, queues[index].first != Self.none, queues[index].isCancelled,
                !queues[index].isGivenUp, let element = nodes[queues[index].first].element, isMeant(element)
            else { continue }
            queues[index].isGivenUp = true
            count += 1
        }
        return count
    }

    /// Removes the elements for which `isMeant` answers yes, except those being worked on.
    package mutating func removeAll(where isMeant: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        defer { ready.removeAll { queues[$0].first == Self.none } }
        for index in queues.indices where queues[index].first != Self.none {
            var kept: [Element] = []
            let isRunning = if case .running = queues[index].phase { true } else { false }
            let wasParked = if case .parked = queues[index].phase { true } else { false }
            var hasRemovedFirst = false
            for (position, element) in elements(of: index).enumerated() {
                if isRunning && position == 0 || !isMeant(element) {
                    kept.append(element)
                } else {
                    removed.append(element)
                    hasRemovedFirst = hasRemovedFirst || position == 0
                }
            }
            rebuild(index, kept, becomesReady: wasParked && hasRemovedFirst)
        }
        return removed
    }

    // MARK: Places

    private func running(_ ticket: Ticket) -> Int? {
        guard
            queues.indices.contains(ticket.queue), queues[ticket.queue].generation == ticket.generation,
            case .running = queues[ticket.queue].phase
        else { return nil }
        return ticket.queue
    }

    private func elements(of index: Int) -> [Element] {
        var elements: [Element] = []
        var node = queues[index].first
        while node != Self.none {
            if let element = nodes[node].element { elements.append(element) }
            node = nodes[node].next
        }
        return elements
    }

    private mutating func rebuild(_ index: Int, _ kept: [Element], becomesReady: Bool) {
        while queues[index].first != Self.none { removeFirst(of: index) }
        for element in kept {
            let node = takeNode(element)
            count += 1
            if queues[index].first == Self.none {
                queues[index].first = node
            } else {
                nodes[queues[index].last].next = node
            }
            queues[index].last = node
        }
        if kept.isEmpty {
            // `removeAll` takes it out of the line at its end.
            removeQueue(index)
        } else if becomesReady {
            // The parked element is gone; its followers do not wait for its backoff.
            queues[index].phase = .ready
            queues[index].generation = takeGeneration()
            ready.append(index)
        }
    }

    /// Answers whether the key became ready.
    private mutating func makeReadyOrRemove(_ index: Int) -> Bool {
        guard queues[index].first != Self.none else {
            removeQueue(index)
            return false
        }
        queues[index].phase = .ready
        queues[index].generation = takeGeneration()
        ready.append(index)
        return true
    }

    private mutating func removeFirst(of index: Int) {
        let node = queues[index].first
        queues[index].first = nodes[node].next
        if queues[index].first == Self.none { queues[index].last = Self.none }
        nodes[node] = Node(element: nil, next: Self.none)
        freeNodes.append(node)
        count -= 1
    }

    private mutating func removeQueue(_ index: Int) {
        queueOfKey.removeValue(forKey: queues[index].key)
        // A new generation: tickets handed out for this use are worth nothing now.
        queues[index].generation = takeGeneration()
        queues[index].phase = .ready
        freeQueues.append(index)
    }

    private mutating func takeNode(_ element: Element) -> Int {
        if let node = freeNodes.popLast() {
            nodes[node] = Node(element: element, next: Self.none)
            return node
        }
        nodes.append(Node(element: element, next: Self.none))
        return nodes.count - 1
    }

    private mutating func takeQueue(key: UInt64, node: Int) -> Int {
        let queue = Queue(key: key, generation: takeGeneration(), phase: .ready, first: node, last: node)
        if let index = freeQueues.popLast() {
            queues[index] = queue
            return index
        }
        queues.append(queue)
        return queues.count - 1
    }

    private mutating func takeGeneration() -> UInt64 {
        nextGeneration += 1
        return nextGeneration
    }
}
