import DequeModule
import Synchronization
import XKafkaCore

/// Hands values from one task to another, in order, with a bound on how many wait.
final class BoundedHandover<Value: Sendable>: Sendable {
    fileprivate struct State {
        var values: Deque<Value> = []
        var isFinished = false
        var error: (any Error)?
        var reader: CheckedContinuation<Void, Never>?
    }

    private let room: CreditGate
    private let state = Mutex(State())

    init(limit: Int) {
        room = CreditGate(messages: limit, bytes: 1)
    }

    /// Waits until one more value may wait. Throws `CancellationError`.
    func makeRoom() async throws {
        try await room.enter(bytes: 0)
    }

    /// Hands over a value for which there is room.
    func put(_ value: Value) {
        let reader = state.withLock { state in
            state.values.append(value)
            return state.takeReader()
        }
        reader?.resume()
    }

    /// Nothing more comes; with an error, the reader gets that last.
    func finish(_ error: (any Error)?) {
        let reader = state.withLock { state in
            state.isFinished = true
            state.error = error
            return state.takeReader()
        }
        reader?.resume()
    }

    /// The next value; `nil` when nothing more comes. One task at a time. Throws `CancellationError`.
    func next() async throws -> Value? {
        while true {
            let (value, isFinished) = try state.withLock { state -> (Value?, Bool) in
                if let value = state.values.popFirst() { return (value, false) }
                guard state.isFinished else { return (nil, false) }
                defer { state.error = nil }
                if let error = state.error { throw error }
                return (nil, true)
            }
            if let value {
                room.leave(bytes: 0)
                return value
            }
            if isFinished { return nil }
            try Task.checkCancellation()
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isNews = state.withLock { state in
                        if !state.values.isEmpty || state.isFinished || Task.isCancelled { return true }
                        state.reader = continuation
                        return false
                    }
                    if isNews { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.takeReader() }?.resume()
            }
        }
    }
}

extension BoundedHandover.State {
    fileprivate mutating func takeReader() -> CheckedContinuation<Void, Never>? {
        defer { reader = nil }
        return reader
    }
}
