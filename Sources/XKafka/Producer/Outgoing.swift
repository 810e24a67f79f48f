import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

/// One message between `produce` and its outcome: what librdkafka refers to, what waits in a lane, and what
/// a ``ProduceFuture`` looks at, in one object.
///
/// `@unchecked Sendable`: the variables outside of `state` are written by whoever has the message just then,
/// before it is handed on through the runtime's lock or librdkafka's queue, and read by whoever gets it there.
/// Each says who that is.
final class Outgoing: DeliveryTarget, @unchecked Sendable {
    typealias Outcome = Result<ProduceResult, any Error>

    let message: ProduceMessage
    let route: ProduceRoute
    /// What the message counts in the bound on bytes in flight.
    let bytes: Int
    let receivedAt: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant?

    /// Its place. Written under the runtime's lock when it is handed in.
    nonisolated(unsafe) var ticket = LaneTicket.none
    /// What it counts as in ``FlushCounter``. Written with `ticket`.
    nonisolated(unsafe) var span: UInt64 = 0
    /// Whether a task takes it through its handlers and attempts; otherwise it went straight to librdkafka.
    /// Written before it is sent, by whoever sends it.
    nonisolated(unsafe) var isDriven = false
    /// Whether it waits in its lane's queue, and gives up a place there with its first turn. Written and
    /// read under the runtime's lock.
    nonisolated(unsafe) var isInQueue = false
    /// Whether an outcome was decided. Written and read under the runtime's lock.
    nonisolated(unsafe) var hasEnded = false
    /// What is to be told when its place in the order of results has come. Written before the message ends
    /// under the runtime's lock, read after it was given out there, and by everybody once it was told.
    nonisolated(unsafe) var decided: Outcome?
    /// Where the last attempt went, for ``LaneMachine/isOvertaken(_:partition:)``. Written before its task
    /// hears of the report.
    nonisolated(unsafe) var lastPartition: UInt64?
    /// Whether it has its turn and was not sent since. Its task's own.
    nonisolated(unsafe) var maySend = false

    fileprivate enum Watcher {
        case task(id: UInt64, CheckedContinuation<Void, any Error>)
        case function(@Sendable (Outcome) -> Void)
        case batch(BatchCountdown)
    }

    fileprivate struct State {
        /// Whether the outcome may be looked at.
        var isTold = false
        /// What was told before an outcome was decided.
        var earlyError: (any Error)?
        /// Most messages have one watcher or none.
        var watcher: Watcher?
        var moreWatchers: [Watcher] = []
        var nextID: UInt64 = 0
        var turn = Turn.none
        var attempt: CheckedContinuation<DeliveryReport, any Error>?
        var driver: Task<Void, Never>?
        var isDriverCancelled = false
    }

    fileprivate enum Turn {
        case none, granted
        case awaited(CheckedContinuation<Void, Never>)
    }

    private let state: Mutex<State>

    init(
        _ message: ProduceMessage,
        _ route: ProduceRoute,
        bytes: Int,
        deadline: ContinuousClock.Instant?,
        batch: BatchCountdown?
    ) {
        self.message = message
        self.route = route
        self.bytes = bytes
        self.deadline = deadline
        receivedAt = .now
        state = Mutex(State(watcher: batch.map { .batch($0) }))
    }

    // MARK: Outcome

    /// The outcome, if it is known.
    var outcome: Outcome? { state.withLock { known(&$0) } }

    private func known(_ state: inout State) -> Outcome? {
        guard state.isTold else { return nil }
        return state.earlyError.map { .failure($0) } ?? decided
    }

    /// Tells what was decided to everybody who waits, unless something else was told before.
    func tell() {
        tell(early: nil)
    }

    /// Tells a failure although the message keeps its place.
    func tell(_ error: any Error) {
        tell(early: error)
    }

    private func tell(early error: (any Error)?) {
        let (outcome, watcher, more) = state.withLock { state -> (Outcome?, Watcher?, [Watcher]) in
            guard !state.isTold else { return (nil, nil, []) }
            state.isTold = true
            state.earlyError = error
            guard state.watcher != nil else { return (nil, nil, []) }
            defer {
                state.watcher = nil
                state.moreWatchers = []
            }
            return (known(&state), state.watcher, state.moreWatchers)
        }
        guard let outcome else { return }
        if let watcher { Self.tell(watcher, outcome) }
        for watcher in more { Self.tell(watcher, outcome) }
    }

    private static func tell(_ watcher: Watcher, _ outcome: Outcome) {
        switch watcher {
        case .task(_, let continuation): continuation.resume()
        case .function(let function): function(outcome)
        case .batch(let countdown): countdown.completed(isFailure: outcome.isFailure)
        }
    }

    /// Calls `function` with the outcome, now or later.
    func whenEnded(_ function: @escaping @Sendable (Outcome) -> Void) {
        let known = state.withLock { state -> Outcome? in
            let known = self.known(&state)
            if known == nil { state.add(.function(function)) }
            return known
        }
        if let known { function(known) }
    }

    /// Waits for the outcome; throws `CancellationError` when the task is cancelled first.
    func wait() async throws -> Outcome {
        if let outcome { return outcome }
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal: Result<Void, any Error>? = state.withLock { state in
                    if state.isTold { return .success(()) }
                    // Cancelled before it was registered: `onCancel` found nobody.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.add(.task(id: id, continuation))
                    return nil
                }
                if let refusal { continuation.resume(with: refusal) }
            }
        } onCancel: {
            state.withLock { $0.removeTask(id) }?.resume(throwing: CancellationError())
        }
        guard let outcome else { throw CancellationError() }
        return outcome
    }

    // MARK: Turns

    /// Lets the task of this message go on.
    func grantTurn() {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .awaited(let continuation) = state.turn else {
                state.turn = .granted
                return nil
            }
            state.turn = .none
            return continuation
        }
        waiting?.resume()
    }

    /// Waits until the order allows this message to go on. Only its own task calls it.
    func waitForTurn() async {
        await withCheckedContinuation { continuation in
            let isGranted = state.withLock { state in
                if case .granted = state.turn {
                    state.turn = .none
                    return true
                }
                state.turn = .awaited(continuation)
                return false
            }
            if isGranted { continuation.resume() }
        }
    }

    // MARK: Attempts

    /// Sends the message with `send` and waits for its delivery report.
    func report(after send: () throws -> Void) async throws -> DeliveryReport {
        try await withCheckedThrowingContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.attempt == nil else { return false }
                state.attempt = continuation
                return true
            }
            // Some handler calls `next` twice at the same time.
            guard isFree else { return continuation.resume(throwing: ProduceChainError.nextCalledTwice) }
            do {
                try send()
            } catch {
                state.withLock { $0.takeAttempt() }?.resume(throwing: error)
            }
        }
    }

    /// Hands the report to the task that waits for it.
    func receive(_ report: DeliveryReport) {
        state.withLock { $0.takeAttempt() }?.resume(returning: report)
    }

    // MARK: The task

    func setDriver(_ task: Task<Void, Never>) {
        let isCancelled = state.withLock { state in
            if !state.isTold { state.driver = task }
            return state.isDriverCancelled
        }
        if isCancelled { task.cancel() }
    }

    func cancelDriver() {
        let task = state.withLock { state in
            state.isDriverCancelled = true
            return state.driver
        }
        task?.cancel()
    }
}

extension Outgoing.State {
    fileprivate mutating func add(_ watcher: Outgoing.Watcher) {
        if self.watcher == nil { self.watcher = watcher } else { moreWatchers.append(watcher) }
    }

    fileprivate mutating func removeTask(_ id: UInt64) -> CheckedContinuation<Void, any Error>? {
        if case .task(id, let continuation) = watcher {
            watcher = moreWatchers.popLast()
            return continuation
        }
        for (index, watcher) in moreWatchers.enumerated() {
            if case .task(id, let continuation) = watcher {
                moreWatchers.remove(at: index)
                return continuation
            }
        }
        return nil
    }

    fileprivate mutating func takeAttempt() -> CheckedContinuation<DeliveryReport, any Error>? {
        defer { attempt = nil }
        return attempt
    }
}

extension Result {
    var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
