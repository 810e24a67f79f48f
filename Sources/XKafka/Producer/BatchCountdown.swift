import Synchronization

/// What the messages of a batch have in common: lets it wait once for all of them, and end with the first that fails.
final class BatchCountdown: Sendable {
    fileprivate struct Waiting {
        var continuation: CheckedContinuation<Void, Never>?
        /// Whether there is nothing to wait for: all have an outcome, or the task was cancelled.
        var isOver = false
    }

    /// How many messages are without an outcome, less those that were not counted yet: it is 0 or less until
    /// ``waitForAll(of:)`` counts them all at once.
    private let pending = Atomic<Int>(0)
    private let failed = Atomic<Bool>(false)
    private let waiting = Mutex(Waiting())

    private let endsWithFailure: Bool

    /// - Parameter endsWithFailure: whether no more messages are sent once one is known to have failed.
    init(endsWithFailure: Bool) {
        self.endsWithFailure = endsWithFailure
    }

    /// Whether no more messages are to be sent.
    var hasEnded: Bool { endsWithFailure && failed.load(ordering: .relaxed) }

    /// Throws when no more messages are to be sent. Nobody hears of the error: the one that failed comes first.
    func checkForEnd() throws {
        if hasEnded { throw CancellationError() }
    }

    /// A message was not even taken. It has no part in the counting.
    func refused() {
        failed.store(true, ordering: .relaxed)
    }

    /// A message has an outcome.
    func completed(isFailure: Bool) {
        if isFailure { failed.store(true, ordering: .relaxed) }
        if pending.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { end() }
    }

    private func end() {
        let waiter = waiting.withLock { waiting in
            waiting.isOver = true
            return waiting.takeContinuation()
        }
        waiter?.resume()
    }

    /// Waits until each of the batch's messages has an outcome, or the task is cancelled. Once.
    func waitForAll(of count: Int) async {
        if pending.add(count, ordering: .acquiringAndReleasing).newValue == 0 { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = waiting.withLock { waiting in
                    if !waiting.isOver { waiting.continuation = continuation }
                    return waiting.isOver
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            end()
        }
    }
}

extension BatchCountdown.Waiting {
    fileprivate mutating func takeContinuation() -> CheckedContinuation<Void, Never>? {
        defer { continuation = nil }
        return continuation
    }
}
