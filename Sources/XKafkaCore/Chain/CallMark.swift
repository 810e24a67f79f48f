import Synchronization

/// Remembers whether something was called: the rest of a chain of handlers may be, once per message.
package final class CallMark: Sendable {
    private let wasCalled = Atomic<Bool>(false)

    package init() {}

    /// Answers whether this was the first time.
    package func set() -> Bool {
        !wasCalled.exchange(true, ordering: .relaxed)
    }
}
