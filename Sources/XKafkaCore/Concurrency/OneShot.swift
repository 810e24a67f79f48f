import Synchronization

/// A value that is set once and that any number of tasks can wait for.
///
/// Waiting is cancellable: a cancelled waiter stops waiting, the value still arrives for others.
package final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case pending(waiters: [UInt64: CheckedContinuation<Value, any Error>], nextID: UInt64)
        case resolved(Value)
    }

    private let state = Mutex<State>(.pending(waiters: [:], nextID: 0))

    package init() {}

    /// The value, if it has been set.
    package var current: Value? {
        state.withLock { if case .resolved(let value) = $0 { value } else { nil } }
    }

    /// Sets the value and wakes every waiter. Only the first call does anything, and says so.
    @discardableResult
    package func resolve(_ value: Value) -> Bool {
        let waiters: [UInt64: CheckedContinuation<Value, any Error>]? = state.withLock {
            guard case .pending(let waiters, _) = $0 else { return nil }
            $0 = .resolved(value)
            return waiters
        }
        guard let waiters else { return false }
        for waiter in waiters.values {
            waiter.resume(returning: value)
        }
        return true
    }

    /// Waits for the value; throws `CancellationError` when the waiting task is cancelled first.
    package func wait() async throws -> Value {
        let id = state.withLock { state -> UInt64? in
            guard case .pending(let waiters, let id) = state else { return nil }
            state = .pending(waiters: waiters, nextID: id + 1)
            return id
        }
        guard let id else { return try resolved() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                register(continuation, id: id)
            }
        } onCancel: {
            remove(id)?.resume(throwing: CancellationError())
        }
    }

    /// Waits for the value whatever happens to the waiting task.
    package func waitIgnoringCancellation() async -> Value {
        await withCheckedContinuation { (outer: CheckedContinuation<Value, Never>) in
            // A task of its own is never cancelled, so the wait inside cannot throw.
            Task {
                if let value = try? await wait() {
                    outer.resume(returning: value)
                }
            }
        }
    }

    private func resolved() throws -> Value {
        guard let value = current else { throw CancellationError() }
        return value
    }

    private func register(_ continuation: CheckedContinuation<Value, any Error>, id: UInt64) {
        let value: Value?? = state.withLock {
            switch $0 {
            case .resolved(let value): return .some(value)
            case .pending(var waiters, let nextID):
                // Cancelled before it was registered: `onCancel` found nothing to resume.
                if Task.isCancelled { return .some(nil) }
                waiters[id] = continuation
                $0 = .pending(waiters: waiters, nextID: nextID)
                return nil
            }
        }
        switch value {
        case .some(let value?): continuation.resume(returning: value)
        case .some(nil): continuation.resume(throwing: CancellationError())
        case nil: break
        }
    }

    private func remove(_ id: UInt64) -> CheckedContinuation<Value, any Error>? {
        state.withLock {
            guard case .pending(var waiters, let nextID) = $0 else { return nil }
            let waiter = waiters.removeValue(forKey: id)
            $0 = .pending(waiters: waiters, nextID: nextID)
            return waiter
        }
    }
}
