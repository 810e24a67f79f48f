import Synchronization

/// Collects values from many tasks and lets a test wait for them, with a deadline.
package final class Collector<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var waiters: [Int: (isMet: @Sendable ([Value]) -> Bool, continuation: CheckedContinuation<Bool, Never>)] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    package init() {}

    package var values: [Value] { state.withLock { $0.values } }

    package func add(_ value: Value) {
        let met = state.withLock { state in
            state.values.append(value)
            let met = state.waiters.filter { $0.value.isMet(state.values) }
            for waiter in met.keys { state.waiters[waiter] = nil }
            return met.values.map(\.continuation)
        }
        for continuation in met { continuation.resume(returning: true) }
    }

    /// Waits until the values satisfy `condition`; throws when that does not happen in time.
    package func wait(
        within limit: Duration = .seconds(30),
        for what: String = "values",
        until condition: @escaping @Sendable ([Value]) -> Bool
    ) async throws {
        let isMet = await withTaskGroup(of: Bool.self) { group in
            let waiter = state.withLock { state in
                state.nextWaiter += 1
                return state.nextWaiter
            }
            group.addTask { await self.suspend(waiter, condition) }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            state.withLock { $0.waiters.removeValue(forKey: waiter)?.continuation }?.resume(returning: first)
            return first
        }
        guard isMet else { throw DeadlineExceeded(what: "\(what), had \(values.count)", limit: limit) }
    }

    package func wait(forCount count: Int, within limit: Duration = .seconds(30)) async throws {
        try await wait(within: limit, for: "\(count) values") { $0.count >= count }
    }

    private func suspend(_ waiter: Int, _ condition: @escaping @Sendable ([Value]) -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            let isMet = state.withLock { state in
                if condition(state.values) { return true }
                state.waiters[waiter] = (condition, continuation)
                return false
            }
            if isMet { continuation.resume(returning: true) }
        }
    }
}
