import Synchronization
import XKafkaCore
import XKafkaEngine

/// Counts the messages under way for those who wait until all that came before them have ended.
final class ProducerFlush: Sendable {
    private struct State {
        var counter = FlushCounter()
        var waiters: [UInt64: (mark: UInt64, done: OneShot<Void>)] = [:]
        var nextWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Messages begin. Answers the number to end them with.
    func begin(_ count: Int = 1) -> UInt32 {
        state.withLock { $0.counter.begin(count) }
    }

    /// Messages that began in `span` have ended and everybody was told.
    func end(_ span: UInt32, _ count: Int) {
        let reached = state.withLock { state -> [OneShot<Void>] in
            guard state.counter.end(span, count), !state.waiters.isEmpty else { return [] }
            let reached = state.waiters.filter { state.counter.isReached($0.value.mark) }
            for id in reached.keys { state.waiters[id] = nil }
            return reached.values.map(\.done)
        }
        for waiter in reached { waiter.resolve(()) }
    }

    /// Marks this moment; `nil` when nothing is under way.
    func mark() -> UInt64? {
        state.withLock { $0.counter.mark() }
    }

    /// Whether everything has ended that was under way at a mark.
    func isReached(_ mark: UInt64) -> Bool {
        state.withLock { $0.counter.isReached(mark) }
    }

    /// Has `done` resolved when everything that is under way by now has ended. Answers what to ``forget(_:)`` the
    /// waiter by; `nil` when nothing is under way.
    func wait(_ done: OneShot<Void>) -> UInt64? {
        state.withLock { state in
            guard let mark = state.counter.mark() else { return nil }
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = (mark, done)
            return state.nextWaiter
        }
    }

    func forget(_ waiter: UInt64) {
        state.withLock { $0.waiters[waiter] = nil }
    }
}
