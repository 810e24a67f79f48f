import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

/// One message between `produce` and its outcome: what librdkafka refers to, what waits in a lane, and what
/// a ``ProduceFuture`` looks at, in one object.
///
/// There is one for each message, made on one thread and freed on another, so its size matters: up to 120 bytes the C
/// library keeps in lists, and what is larger it splits and joins. What only a message with handlers or a failure needs
/// is ``OutgoingWork``.
///
/// `@unchecked Sendable`: the variables are written by whoever has the message just then, before it is handed on
/// through its lane's lock or librdkafka's queue, and read by whoever gets it there. Each says who that is.
final class Outgoing: DeliveryTarget, @unchecked Sendable {
    typealias Outcome = Result<ProduceResult, any Error>

    let route: ProduceRoute
    /// The batch it was produced in.
    private let batch: BatchCountdown?
    /// `nil` unless somebody is interested.
    let times: OutgoingTimes?
    /// What becomes of it beyond being handed to librdkafka at once; `nil` when nothing does. Written before it is
    /// sent, or when that has failed, by whoever has it then, and never again.
    nonisolated(unsafe) private(set) var work: OutgoingWork?
    /// Where the broker has it, if it went straight there. Written under the lane's lock when it has ended; read after
    /// it was given out there, and by everybody once it was told.
    nonisolated(unsafe) var receipt = DeliveryReceipt.none
    /// Here, since the receipt leaves two bytes of its last eight.
    private let laneNumber: UInt16
    /// Its place in its lane: see ``ticket``.
    nonisolated(unsafe) private var sequence: UInt64 = 0
    private let domain: UInt64
    /// Where its lane's machine finds its domain. Written with `sequence`.
    nonisolated(unsafe) private var slot: UInt32 = 0
    private let byteCount: UInt32
    /// What it counts as for those who flush. Written with `ticket`.
    nonisolated(unsafe) var span: UInt32 = 0
    private let partition: Int32
    private let traits: Traits
    /// Whether an outcome was decided. Written and read under the lane's lock.
    nonisolated(unsafe) var hasEnded = false

    private let status = Atomic<UInt8>(0)
    private static let toldBit: UInt8 = 1
    private static let watchedBit: UInt8 = 2
    /// `nil` until somebody waits.
    private let watchers = Mutex<Watchers?>(nil)

    private struct Traits: OptionSet {
        let rawValue: UInt8
        static let namesTopic = Traits(rawValue: 1)
        static let namesPartition = Traits(rawValue: 2)
        static let isOrdered = Traits(rawValue: 4)
    }

    fileprivate enum Watcher {
        case task(id: UInt64, CheckedContinuation<Void, any Error>)
        case function(id: UInt64, @Sendable (Outcome) -> Void)

        var id: UInt64 {
            switch self {
            case .task(let id, _), .function(let id, _): id
            }
        }

        func tell(_ outcome: Outcome) {
            switch self {
            case .task(_, let continuation): continuation.resume()
            case .function(_, let function): function(outcome)
            }
        }
    }

    /// `@unchecked Sendable`: looked at under the lock alone.
    fileprivate final class Watchers: @unchecked Sendable {
        /// Most often there is one, which takes no memory of its own.
        nonisolated(unsafe) private var first: Watcher?
        nonisolated(unsafe) private var others: [Watcher] = []
        nonisolated(unsafe) private var nextID: UInt64 = 0

        func newID() -> UInt64 {
            nextID += 1
            return nextID
        }

        func add(_ watcher: Watcher) {
            if first == nil { first = watcher } else { others.append(watcher) }
        }

        func remove(_ id: UInt64) -> Watcher? {
            if let watcher = first, watcher.id == id {
                first = nil
                return watcher
            }
            return others.firstIndex { $0.id == id }.map { others.remove(at: $0) }
        }

        func removeAll() -> (first: Watcher?, others: [Watcher]) {
            defer { (first, others) = (nil, []) }
            return (first, others)
        }
    }

    init(
        _ message: ProduceMessage,
        _ route: ProduceRoute,
        lane: Int,
        domain: UInt64?,
        bytes: Int,
        batch: BatchCountdown?,
        times: OutgoingTimes?
    ) {
        self.route = route
        self.batch = batch
        self.times = times
        self.domain = domain ?? 0
        byteCount = UInt32(clamping: bytes)
        partition = message.partition ?? 0
        laneNumber = UInt16(lane)
        var traits: Traits = []
        if message.topic != nil { traits.insert(.namesTopic) }
        if message.partition != nil { traits.insert(.namesPartition) }
        if domain != nil { traits.insert(.isOrdered) }
        self.traits = traits
    }

    /// Which of the runtime's lanes it is in.
    var lane: Int { Int(laneNumber) }

    /// What the message counts in the bound on bytes in flight.
    var bytes: Int { Int(byteCount) }

    /// What it keeps its order with.
    var orderDomain: UInt64? { traits.contains(.isOrdered) ? domain : nil }

    /// Its place in its lane's machine, which has one lane. Written under the lane's lock when it is handed in.
    var ticket: LaneTicket {
        get { LaneTicket(lane: 0, domain: orderDomain, sequence: sequence, slot: slot) }
        set { (sequence, slot) = (newValue.sequence, newValue.slot) }
    }

    /// A task takes it through its handlers and attempts from now on.
    func isTaken(by work: OutgoingWork) {
        self.work = work
    }

    /// The message that librdkafka was given and failed to send.
    func message(in failure: DeliveryReport.Failure) -> ProduceMessage {
        ProduceMessage(
            topic: traits.contains(.namesTopic) ? route.topic : nil,
            key: failure.key,
            value: failure.value,
            headers: failure.headers,
            timestamp: times?.timestamp,
            partition: traits.contains(.namesPartition) ? partition : nil
        )
    }

    // MARK: Outcome

    /// The outcome, if it is known.
    var outcome: Outcome? {
        guard status.load(ordering: .acquiring) & Self.toldBit != 0 else { return nil }
        return decided
    }

    private var decided: Outcome? {
        if let work { return work.toldOutcome }
        return .success(ProduceResult(receipt, topic: route.topic))
    }

    /// Tells what was decided to everybody who waits, unless something else was told before.
    func tell() {
        if let work {
            guard work.tell(nil, { mark() }) else { return }
        } else {
            mark()
        }
        batch?.completed(isFailure: work != nil && decided?.isFailure == true)
        notify()
    }

    /// Tells a failure although the message keeps its place.
    func tell(_ error: any Error) {
        guard let work, work.tell(error, { mark() }) else { return }
        batch?.completed(isFailure: true)
        notify()
    }

    private func mark() {
        status.bitwiseOr(Self.toldBit, ordering: .acquiringAndReleasing)
    }

    /// After ``mark()``: whoever registers now sees the mark.
    private func notify() {
        guard status.load(ordering: .acquiring) & Self.watchedBit != 0, let decided else { return }
        let (first, others) = watchers.withLock { $0?.removeAll() ?? (nil, []) }
        first?.tell(decided)
        for watcher in others { watcher.tell(decided) }
    }

    /// Registers a watcher; gives it back when the outcome is known by now and nobody will tell it.
    private func register(_ watcher: Watcher, in watchers: Watchers) -> Watcher? {
        watchers.add(watcher)
        let before = status.bitwiseOr(Self.watchedBit, ordering: .acquiringAndReleasing).oldValue
        return before & Self.toldBit == 0 ? nil : watchers.remove(watcher.id)
    }

    private func withWatchers<Value: Sendable>(_ body: (Watchers) -> Value) -> Value {
        watchers.withLock { slot in
            let watchers = slot ?? Watchers()
            slot = watchers
            return body(watchers)
        }
    }

    /// Calls `function` with the outcome, now or later.
    func whenEnded(_ function: @escaping @Sendable (Outcome) -> Void) {
        let isKnown =
            outcome != nil
            || withWatchers { register(.function(id: $0.newID(), function), in: $0) } != nil
        if isKnown, let outcome { function(outcome) }
    }

    /// Waits for the outcome; throws `CancellationError` when the task is cancelled first.
    func wait() async throws -> Outcome {
        if let outcome { return outcome }
        let id = withWatchers { $0.newID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let (own, isCancelled) = withWatchers { watchers -> (Watcher?, Bool) in
                    // Cancelled before it was registered: `onCancel` found nobody.
                    if Task.isCancelled, outcome == nil { return (.task(id: id, continuation), true) }
                    return (register(.task(id: id, continuation), in: watchers), false)
                }
                guard case .task(_, let continuation)? = own else { return }
                if isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    continuation.resume()
                }
            }
        } onCancel: {
            if case .task(_, let continuation)? = withWatchers({ $0.remove(id) }) {
                continuation.resume(throwing: CancellationError())
            }
        }
        guard let outcome else { throw CancellationError() }
        return outcome
    }
}

extension Result {
    var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
