import DequeModule
import Synchronization

/// A bound on how much is in flight, in messages and in bytes, that callers wait for in order.
///
/// Whoever wants in waits behind those who came before, even if they want more than is free: big
/// messages are not starved by small ones. A message larger than the whole bound is let through
/// when nothing else is in flight.
package final class CreditGate: Sendable {
    private struct Waiter {
        let id: UInt64
        let bytes: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var messages = 0
        var bytes = 0
        var waiters: Deque<Waiter> = []
        var nextID: UInt64 = 0
        /// Set when the gate is closed: nobody gets in any more.
        var closingError: (any Error)?
    }

    private let messageLimit: Int
    private let byteLimit: Int
    private let state = Mutex(State())

    /// A gate that lets `messages` in at a time, and `bytes` of them.
    package init(messages: Int, bytes: Int) {
        messageLimit = max(1, messages)
        byteLimit = max(1, bytes)
    }

    /// How many messages are in.
    package var messagesInside: Int { state.withLock { $0.messages } }

    /// How many bytes are in.
    package var bytesInside: Int { state.withLock { $0.bytes } }

    /// Whether somebody waits.
    package var isAwaited: Bool { state.withLock { !$0.waiters.isEmpty } }

    /// Waits until a message of this size may go in. Throws `CancellationError` when the task is
    /// cancelled before, and what the gate was closed with.
    package func enter(bytes: Int) async throws {
        let id = try state.withLock { state throws -> UInt64? in
            if let error = state.closingError { throw error }
            if state.waiters.isEmpty, admit(1, bytes, &state) { return nil }
            state.nextID += 1
            return state.nextID
        }
        guard let id else { return }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                wait(Waiter(id: id, bytes: bytes, continuation: continuation))
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Takes the place of one message if that needs no waiting, or of several together; answers whether it did.
    package func enterAtOnce(messages: Int = 1, bytes: Int) -> Bool {
        state.withLock { $0.closingError == nil && $0.waiters.isEmpty && admit(messages, bytes, &$0) }
    }

    /// Gives back what one message took, or several took together.
    package func leave(messages: Int = 1, bytes: Int) {
        let admitted = state.withLock { state in
            state.messages -= messages
            state.bytes -= bytes
            return takeAdmitted(&state)
        }
        for waiter in admitted { waiter.continuation.resume() }
    }

    /// Lets nobody in any more: those who wait, and whoever comes, get `error`.
    package func close(throwing error: any Error) {
        let waiters = state.withLock { state in
            state.closingError = error
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(throwing: error) }
    }

    private enum Entry {
        case admitted, refused(any Error), waiting
    }

    private func wait(_ waiter: Waiter) {
        let entry: Entry = state.withLock { state in
            if let error = state.closingError { return .refused(error) }
            // Cancelled before it was in the line: `onCancel` found nobody.
            if Task.isCancelled { return .refused(CancellationError()) }
            if state.waiters.isEmpty, admit(1, waiter.bytes, &state) { return .admitted }
            state.waiters.append(waiter)
            return .waiting
        }
        switch entry {
        case .admitted: waiter.continuation.resume()
        case .refused(let error): waiter.continuation.resume(throwing: error)
        case .waiting: break
        }
    }

    private func cancel(_ id: UInt64) {
        let (cancelled, admitted) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return (nil, []) }
            let waiter = state.waiters.remove(at: index)
            // It may have held up smaller ones behind it.
            return (waiter, takeAdmitted(&state))
        }
        cancelled?.continuation.resume(throwing: CancellationError())
        for waiter in admitted { waiter.continuation.resume() }
    }

    private func admit(_ messages: Int, _ bytes: Int, _ state: inout State) -> Bool {
        let isAlone = messages == 1 && state.messages == 0
        let fits = state.messages + messages <= messageLimit && (state.bytes + bytes <= byteLimit || isAlone)
        guard fits else { return false }
        state.messages += messages
        state.bytes += bytes
        return true
    }

    private func takeAdmitted(_ state: inout State) -> [Waiter] {
        var admitted: [Waiter] = []
        while let first = state.waiters.first, admit(1, first.bytes, &state) {
            admitted.append(first)
            state.waiters.removeFirst()
        }
        return admitted
    }
}
