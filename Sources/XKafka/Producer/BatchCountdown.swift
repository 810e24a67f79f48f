import Synchronization

/// Lets a batch wait once for all of its messages.
final class BatchCountdown: Sendable {
    fileprivate struct State {
        var pending = 0
        var hasFailed = false
        var waiter: CheckedContinuation<Void, Never>?
        var isGivenUp = false
    }

    private let state = Mutex(State())

    /// Whether a message is known to have failed.
    var hasFailed: Bool { state.withLock { $0.hasFailed } }

    /// One more message belongs to the batch.
    func expect() {
        state.withLock { $0.pending += 1 }
    }

    /// A message that was expected did not come to be sent.
    func withdraw() {
        state.withLock { $0.pending -= 1 }
    }

    func completed(isFailure: Bool) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.pending -= 1
            if isFailure { state.hasFailed = true }
            return state.pending == 0 ? state.takeWaiter() : nil
        }
        waiter?.resume()
    }

    /// Waits until every message has an outcome, or the task is cancelled. Once.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.pending == 0 || state.isGivenUp { return true }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.isGivenUp = true
                return state.takeWaiter()
            }
            waiter?.resume()
        }
    }
}

extension BatchCountdown.State {
    fileprivate mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
        defer { waiter = nil }
        return waiter
    }
}
