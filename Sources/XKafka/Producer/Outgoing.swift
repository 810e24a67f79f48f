import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

/// One message between `produce` and its outcome: what librdkafka refers to, what waits in a lane, and what
/// a ``ProduceFuture`` looks at, in one object. There is one for each message, so it is small: what only a message
/// with handlers or a failure needs is ``OutgoingWork``.
///
/// `@unchecked Sendable`: the variables are written by whoever has the message just then, before it is handed on
/// through its lane's lock or librdkafka's queue, and read by whoever gets it there. Each says who that is.
final class Outgoing: DeliveryTarget, @unchecked Sendable {
    typealias Outcome = Result<ProduceResult, any Error>

    let route: ProduceRoute
    /// Which of the runtime's lanes it is in.
    let lane: Int
    /// What the message counts in the bound on bytes in flight.
    let bytes: Int
    /// The batch it was produced in.
    private let batch: BatchCountdown?
    /// The parts of the message that a delivery report does not tell.
    private let destination: Destination
    /// `nil` unless somebody is interested.
    let times: OutgoingTimes?

    /// Its place in its lane. Written under the lane's lock when it is handed in.
    nonisolated(unsafe) var ticket = LaneTicket.none
    /// What it counts as for those who flush. Written with `ticket`.
    nonisolated(unsafe) var span: UInt64 = 0
    /// Whether an outcome was decided. Written and read under the lane's lock.
    nonisolated(unsafe) var hasEnded = false
    /// What becomes of it beyond being handed to librdkafka at once; `nil` when nothing does. Written before it is
    /// sent, or when that has failed, by whoever has it then, and never again.
    nonisolated(unsafe) private(set) var work: OutgoingWork?
    /// Where the broker has it, if it went straight there. Written under the lane's lock when it has ended; read after
    /// it was given out there, and by everybody once it was told.
    nonisolated(unsafe) var receipt: DeliveryReport?

    private let status = Atomic<UInt8>(0)
    private static let toldBit: UInt8 = 1
    private static let watchedBit: UInt8 = 2
    private let watchers = Mutex(Watchers())

    private struct Destination {
        let namesTopic: Bool
        let hasTimestamp: Bool
        let partition: Int32?
    }

    fileprivate enum Watcher {
        case task(id: UInt64, CheckedContinuation<Void, any Error>)
        case function(id: UInt64, @Sendable (Outcome) -> Void)

        var id: UInt64 {
            switch self {
            case .task(let id, _), .function(let id, _): id
            }
        }
    }

    fileprivate struct Watchers {
        var list: [Watcher] = []
        var nextID: UInt64 = 0

        mutating func newID() -> UInt64 {
            nextID += 1
            return nextID
        }

        mutating func remove(_ id: UInt64) -> Watcher? {
            list.firstIndex { $0.id == id }.map { list.remove(at: $0) }
        }
    }

    init(
        _ message: ProduceMessage,
        _ route: ProduceRoute,
        lane: Int,
        bytes: Int,
        batch: BatchCountdown?,
        times: OutgoingTimes?
    ) {
        self.route = route
        self.lane = lane
        self.bytes = bytes
        self.batch = batch
        self.times = times
        destination = Destination(
            namesTopic: message.topic != nil,
            hasTimestamp: message.timestamp != nil,
            partition: message.partition
        )
    }

    /// A task takes it through its handlers and attempts from now on.
    func isTaken(by work: OutgoingWork) {
        self.work = work
    }

    /// The message that librdkafka was given and failed to send.
    func message(in failure: DeliveryReport.Failure) -> ProduceMessage {
        ProduceMessage(
            topic: destination.namesTopic ? route.topic : nil,
            key: failure.key,
            value: failure.value,
            headers: failure.headers,
            timestamp: destination.hasTimestamp ? failure.timestamp : nil,
            partition: destination.partition
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
        return receipt.map { .success(ProduceResult($0, topic: route.topic)) }
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
        let waiting = watchers.withLock { watchers in
            defer { watchers.list = [] }
            return watchers.list
        }
        for watcher in waiting {
            switch watcher {
            case .task(_, let continuation): continuation.resume()
            case .function(_, let function): function(decided)
            }
        }
    }

    /// Registers a watcher; gives it back when the outcome is known by now and nobody will tell it.
    private func register(_ watchers: inout Watchers, _ watcher: Watcher) -> Watcher? {
        watchers.list.append(watcher)
        let before = status.bitwiseOr(Self.watchedBit, ordering: .acquiringAndReleasing).oldValue
        return before & Self.toldBit == 0 ? nil : watchers.remove(watcher.id)
    }

    /// Calls `function` with the outcome, now or later.
    func whenEnded(_ function: @escaping @Sendable (Outcome) -> Void) {
        let isKnown =
            outcome != nil
            || watchers.withLock { register(&$0, .function(id: $0.newID(), function)) } != nil
        if isKnown, let outcome { function(outcome) }
    }

    /// Waits for the outcome; throws `CancellationError` when the task is cancelled first.
    func wait() async throws -> Outcome {
        if let outcome { return outcome }
        let id = watchers.withLock { $0.newID() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let (own, isCancelled) = watchers.withLock { watchers -> (Watcher?, Bool) in
                    // Cancelled before it was registered: `onCancel` found nobody.
                    if Task.isCancelled, outcome == nil { return (.task(id: id, continuation), true) }
                    return (register(&watchers, .task(id: id, continuation)), false)
                }
                guard case .task(_, let continuation)? = own else { return }
                if isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    continuation.resume()
                }
            }
        } onCancel: {
            if case .task(_, let continuation)? = watchers.withLock({ $0.remove(id) }) {
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
