import DequeModule

/// Who stands in which line: the order of ``KeyQueues``, without the elements.
///
/// Elements are known by their place, a small number that is used again. Not generic, so that it is compiled once, here,
/// and fast wherever it is used.
public struct KeyLines: Sendable {
    /// Names the key that an element was taken from, until it is finished.
    public struct Ticket: Sendable, Hashable {
        fileprivate let line: Int32
        /// Tells this use of the line from earlier ones.
        fileprivate let generation: UInt64
    }

    /// What the worker that ended an element has to know.
    public struct Ending: Equatable, Sendable {
        /// The key became ready again.
        public var becameReady: Bool
        /// The worker was told to cancel that element and must not work on another.
        public var wasCancelled = false
        /// The worker was given up meanwhile, and has been replaced.
        public var wasGivenUp = false

        /// An ending of which everything is told.
        public init(becameReady: Bool, wasCancelled: Bool = false, wasGivenUp: Bool = false) {
            self.becameReady = becameReady
            self.wasCancelled = wasCancelled
            self.wasGivenUp = wasGivenUp
        }
    }

    /// How the first element of a key stands.
    public enum Standing: Sendable {
        /// A worker can take it.
        case ready
        /// A worker has it.
        case running
        /// It waits to be unparked.
        case parked
    }

    private enum Phase {
        /// In `ready`, waiting for its turn.
        case ready
        /// Its first element is being worked on by `worker`.
        case running(worker: Int)
        /// Its first element failed and waits to be tried again.
        case parked
    }

    private struct Line {
        var key: UInt64
        var generation: UInt64
        var phase: Phase
        /// Ends of the linked list of places; the first one stays in the list while it runs.
        var first: Int32
        var last: Int32
        /// The next line whose key falls into the same bucket.
        var nextInBucket: Int32
        /// Whoever finishes the running element must not take another (see `cancel`).
        var isCancelled = false
        /// Its worker was given up, and another took its place (see `giveUp`).
        var isGivenUp = false

        var standing: Standing {
            switch phase {
            case .ready: .ready
            case .running: .running
            case .parked: .parked
            }
        }
    }

    private static var none: Int32 { -1 }

    // Everything is reused: at rest nothing is allocated per element.
    /// The place behind each place.
    private var following: [Int32] = []
    private var freePlaces: [Int32] = []
    private var lines: [Line] = []
    private var freeLines: [Int32] = []
    /// The lines in use, by the low bits of their keys. A key is a good hash already, so this spares the work of
    /// hashing it again, which is most of what a dictionary would do.
    private var buckets: [Int32] = [none]
    private var ready: Deque<Int32> = []
    private var nextGeneration: UInt64 = 0

    /// How many elements there are, those being worked on included.
    public private(set) var count = 0

    /// No lines yet.
    public init() {}

    /// How many keys have an element that can be taken now.
    public var readyCount: Int { ready.count }

    /// Adds an element at the end of its key's line. Answers its place, and whether that made the key ready.
    public mutating func append(key: UInt64) -> (place: Int, becameReady: Bool) {
        let place = takePlace()
        count += 1
        if let line = line(of: key) {
            following[Int(lines[line].last)] = place
            lines[line].last = place
            return (Int(place), false)
        }
        ready.append(addLine(key: key, place: place))
        return (Int(place), true)
    }

    /// Takes the first element of the key whose turn it is; `nil` when no key is ready.
    public mutating func next(worker: Int) -> (place: Int, ticket: Ticket)? {
        guard let line = ready.popFirst() else { return nil }
        lines[Int(line)].phase = .running(worker: worker)
        return (Int(lines[Int(line)].first), Ticket(line: line, generation: lines[Int(line)].generation))
    }

    /// Removes a key's running element; its followers become ready. Answers the place that is free now.
    public mutating func finish(_ ticket: Ticket) -> (ending: Ending, freed: Int?) {
        guard let line = running(ticket) else { return (Ending(becameReady: false), nil) }
        var ending = endRunning(line)
        let freed = removeFirst(of: line)
        ending.becameReady = makeReadyOrRemove(line)
        return (ending, freed)
    }

    /// Keeps a key's running element in first place, and the key out of the line of keys until ``unpark(_:)``. Answers
    /// the place of the element.
    public mutating func park(_ ticket: Ticket) -> (ending: Ending, place: Int?) {
        guard let line = running(ticket) else { return (Ending(becameReady: false), nil) }
        let ending = endRunning(line)
        lines[line].phase = .parked
        return (ending, Int(lines[line].first))
    }

    /// Puts a parked key back into the line of keys. Answers whether it became ready: a ticket of a key that is not
    /// parked any more changes nothing (R8).
    public mutating func unpark(_ ticket: Ticket) -> Bool {
        guard let line = inUse(ticket), case .parked = lines[line].phase else { return false }
        lines[line].phase = .ready
        ready.append(ticket.line)
        return true
    }

    /// Marks running elements as cancelled and answers their workers.
    public mutating func cancel(where isMeant: (_ place: Int) -> Bool) -> [Int] {
        var workers: [Int] = []
        for line in lines.indices {
            guard
                case .running(let worker) = lines[line].phase, lines[line].first != Self.none,
                !lines[line].isCancelled, isMeant(Int(lines[line].first))
            else { continue }
            lines[line].isCancelled = true
            workers.append(worker)
        }
        return workers
    }

    /// Gives up the workers of cancelled elements that still run. Answers how many those are.
    public mutating func giveUp(where isMeant: (_ place: Int) -> Bool) -> Int {
        var count = 0
        for line in lines.indices {
            guard
                case .running = lines[line].phase, lines[line].first != Self.none, lines[line].isCancelled,
                !lines[line].isGivenUp, isMeant(Int(lines[line].first))
            else { continue }
            lines[line].isGivenUp = true
            count += 1
        }
        return count
    }

    /// Removes the elements for which `isMeant` answers yes, except those being worked on. Answers their places.
    public mutating func removeAll(where isMeant: (_ place: Int) -> Bool) -> [Int] {
        var removed: [Int] = []
        defer { ready.removeAll { lines[Int($0)].first == Self.none } }
        for line in lines.indices where lines[line].first != Self.none {
            let isRunning = if case .running = lines[line].phase { true } else { false }
            let wasParked = if case .parked = lines[line].phase { true } else { false }
            var kept: [Int32] = []
            let head = lines[line].first
            var place = head
            while place != Self.none {
                if isRunning && place == head || !isMeant(Int(place)) {
                    kept.append(place)
                } else {
                    removed.append(Int(place))
                }
                place = following[Int(place)]
            }
            relink(line, kept, becomesReady: wasParked && kept.first != head)
        }
        for place in removed { free(Int32(place)) }
        return removed
    }

    // MARK: Inspection

    /// Whether the element that the ticket was given for still is its key's first.
    public func isInUse(_ ticket: Ticket) -> Bool { inUse(ticket) != nil }

    /// A ticket of any key whose first element stands like this.
    public func ticket(ofAny standing: Standing) -> Ticket? {
        let line = lines.firstIndex { $0.first != Self.none && $0.standing == standing }
        return line.map { Ticket(line: Int32($0), generation: lines[$0].generation) }
    }

    /// Calls `body` with the first place of every line.
    public func forEachFirst(_ body: (_ place: Int, Standing) -> Void) {
        for line in lines where line.first != Self.none { body(Int(line.first), line.standing) }
    }

    /// The first place, by any order, for which `isMeant` answers yes, with the first place of its line and how that
    /// stands.
    public func find(where isMeant: (_ place: Int) -> Bool) -> (place: Int, first: Int, standing: Standing)? {
        for line in lines {
            var place = line.first
            while place != Self.none {
                if isMeant(Int(place)) { return (Int(place), Int(line.first), line.standing) }
                place = following[Int(place)]
            }
        }
        return nil
    }

    // MARK: Lines

    private func inUse(_ ticket: Ticket) -> Int? {
        let line = Int(ticket.line)
        guard lines.indices.contains(line), lines[line].generation == ticket.generation else { return nil }
        return line
    }

    private func running(_ ticket: Ticket) -> Int? {
        guard let line = inUse(ticket), case .running = lines[line].phase else { return nil }
        return line
    }

    private mutating func endRunning(_ line: Int) -> Ending {
        let ending = Ending(
            becameReady: false,
            wasCancelled: lines[line].isCancelled,
            wasGivenUp: lines[line].isGivenUp
        )
        lines[line].isCancelled = false
        lines[line].isGivenUp = false
        return ending
    }

    private mutating func relink(_ line: Int, _ kept: [Int32], becomesReady: Bool) {
        guard let first = kept.first, let last = kept.last else {
            lines[line].first = Self.none
            lines[line].last = Self.none
            // `removeAll` takes it out of the line of keys at its end.
            removeLine(line)
            return
        }
        for (place, next) in zip(kept, kept.dropFirst()) { following[Int(place)] = next }
        following[Int(last)] = Self.none
        lines[line].first = first
        lines[line].last = last
        guard becomesReady else { return }
        // The parked element is gone; its followers do not wait for its backoff.
        lines[line].phase = .ready
        lines[line].generation = takeGeneration()
        ready.append(Int32(line))
    }

    /// Answers whether the key became ready.
    private mutating func makeReadyOrRemove(_ line: Int) -> Bool {
        guard lines[line].first != Self.none else {
            removeLine(line)
            return false
        }
        lines[line].phase = .ready
        lines[line].generation = takeGeneration()
        ready.append(Int32(line))
        return true
    }

    private mutating func removeFirst(of line: Int) -> Int {
        let place = lines[line].first
        lines[line].first = following[Int(place)]
        if lines[line].first == Self.none { lines[line].last = Self.none }
        free(place)
        return Int(place)
    }

    private mutating func addLine(key: UInt64, place: Int32) -> Int32 {
        let new = Line(
            key: key,
            generation: takeGeneration(),
            phase: .ready,
            first: place,
            last: place,
            nextInBucket: Self.none
        )
        let index: Int32
        if let free = freeLines.popLast() {
            index = free
            lines[Int(free)] = new
        } else {
            index = Int32(lines.count)
            lines.append(new)
            if lines.count > buckets.count { growBuckets() }
        }
        enterBucket(index)
        return index
    }

    private mutating func removeLine(_ line: Int) {
        leaveBucket(line)
        // A new generation: tickets handed out for this use are worth nothing now.
        lines[line].generation = takeGeneration()
        lines[line].phase = .ready
        freeLines.append(Int32(line))
    }

    private mutating func takeGeneration() -> UInt64 {
        nextGeneration += 1
        return nextGeneration
    }

    // MARK: Places

    private mutating func takePlace() -> Int32 {
        if let place = freePlaces.popLast() {
            following[Int(place)] = Self.none
            return place
        }
        following.append(Self.none)
        return Int32(following.count - 1)
    }

    private mutating func free(_ place: Int32) {
        freePlaces.append(place)
        count -= 1
    }

    // MARK: Buckets

    private func bucket(of key: UInt64) -> Int { Int(key & UInt64(buckets.count - 1)) }

    private func line(of key: UInt64) -> Int? {
        var line = buckets[bucket(of: key)]
        while line != Self.none {
            if lines[Int(line)].key == key { return Int(line) }
            line = lines[Int(line)].nextInBucket
        }
        return nil
    }

    private mutating func enterBucket(_ line: Int32) {
        let bucket = bucket(of: lines[Int(line)].key)
        lines[Int(line)].nextInBucket = buckets[bucket]
        buckets[bucket] = line
    }

    private mutating func leaveBucket(_ line: Int) {
        let bucket = bucket(of: lines[line].key)
        guard buckets[bucket] != Int32(line) else {
            buckets[bucket] = lines[line].nextInBucket
            return
        }
        var before = buckets[bucket]
        while before != Self.none {
            let next = lines[Int(before)].nextInBucket
            if next == Int32(line) {
                lines[Int(before)].nextInBucket = lines[line].nextInBucket
                return
            }
            before = next
        }
    }

    /// Doubles the buckets. Called while every line is in use, and in a bucket except the last one.
    private mutating func growBuckets() {
        buckets = Array(repeating: Self.none, count: buckets.count * 2)
        for line in lines.indices.dropLast() { enterBucket(Int32(line)) }
    }
}
