import Synchronization
import XKafkaCore
import XKafkaProduce
import XKafkaTransport

/// When a message came, and until when it may wait and be tried again.
///
/// An object of its own, since the standard library lays its instants out at run time, and whatever holds one with them.
final class OutgoingTimes: Sendable {
    let receivedAt: ContinuousClock.Instant
    let deadline: ContinuousClock.Instant?
    /// What the message says itself, in milliseconds since 1970: librdkafka does not tell that of one that failed.
    let timestamp: Int64?

    init(receivedAt: ContinuousClock.Instant = .now, deadline: ContinuousClock.Instant?, of message: ProduceMessage) {
        self.receivedAt = receivedAt
        self.deadline = deadline
        timestamp = message.timestamp
    }

    /// Those of a message without a deadline, of which there are many.
    init(of message: ProduceMessage) {
        receivedAt = .now
        deadline = nil
        timestamp = message.timestamp
    }
}

/// A message that a task takes through its handlers and attempts: all that one needs beyond ``Outgoing``. What its handlers
/// see of it is the same object.
///
/// `@unchecked Sendable`: the variables outside of `state` are written by whoever has the message just then, as those of
/// ``Outgoing`` are. Each says who that is.
final class OutgoingWork: ProduceRequest, @unchecked Sendable {
    let message: ProduceMessage
    let defaultTopic: String
    let receivedAt: ContinuousClock.Instant
    let worker: Int
    private let times: OutgoingTimes?

    /// Whether it waits in its lane's queue, and gives up a place there with its first turn. Written and
    /// read under the lane's lock.
    nonisolated(unsafe) var isInQueue = false
    /// What is to be told when its place in the order of results has come. Written under the lane's lock when the
    /// message ends, read after it was given out there, and by everybody once it was told.
    nonisolated(unsafe) var decided: Outgoing.Outcome?
    /// What was told before an outcome was decided. Written once, before it was told.
    nonisolated(unsafe) private var earlyError: (any Error)?
    /// Where the last attempt went, for ``LaneMachine/isOvertaken(_:partition:)``. Written before its task
    /// hears of the report.
    nonisolated(unsafe) var lastPartition: UInt64?
    /// Whether it has its turn and was not sent since. Its task's own.
    nonisolated(unsafe) var maySend = false

    fileprivate struct State {
        var isTold = false
        var turn = Turn.none
        var attempt: UnsafeContinuation<DeliveryReport, any Error>?
        var task: Task<Void, Never>?
        var isCancelled = false
    }

    fileprivate enum Turn {
        case none, granted
        case awaited(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State())

    /// - Parameter times: `nil` when the message came just now, and has no deadline.
    init(_ message: ProduceMessage, of outgoing: Outgoing, _ times: OutgoingTimes?) {
        self.message = message
        defaultTopic = outgoing.route.topic
        receivedAt = times?.receivedAt ?? .now
        worker = outgoing.lane
        self.times = times
    }

    /// Until when the message may wait and be tried again.
    var deadline: ContinuousClock.Instant? { times?.deadline }

    // MARK: Outcome

    /// What was told. To be read by those who know that something was.
    var toldOutcome: Outgoing.Outcome? { earlyError.map { .failure($0) } ?? decided }

    /// Marks the message as told, with an error that comes before any outcome or with what was decided. Answers whether
    /// nothing was told before.
    func tell(_ early: (any Error)?, _ mark: () -> Void) -> Bool {
        state.withLock { state in
            guard !state.isTold else { return false }
            state.isTold = true
            earlyError = early
            mark()
            return true
        }
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
    ///
    /// Whoever takes the continuation out of the state resumes it, and nobody else can: unsafe continuations are as safe as
    /// checked ones here, and take one allocation less for each message.
    func report(after send: () throws -> Void) async throws -> DeliveryReport {
        try await withUnsafeThrowingContinuation { continuation in
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

    func setTask(_ task: Task<Void, Never>) {
        let isCancelled = state.withLock { state in
            if !state.isTold { state.task = task }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    func cancelTask() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }
}

extension OutgoingWork.State {
    fileprivate mutating func takeAttempt() -> UnsafeContinuation<DeliveryReport, any Error>? {
        defer { attempt = nil }
        return attempt
    }
}
