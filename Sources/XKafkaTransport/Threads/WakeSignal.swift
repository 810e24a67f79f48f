import Dispatch
import Synchronization

/// Lets one thread sleep until somebody has something for it.
///
/// Raising it while it is raised costs one atomic exchange. What was done before `raise()` is
/// visible to the sleeper after `wait(until:)` returned.
package final class WakeSignal: Sendable {
    private let isRaised = Atomic<Bool>(false)
    private let semaphore = DispatchSemaphore(value: 0)

    package init() {}

    /// Wakes the sleeper, or keeps it from falling asleep the next time.
    package func raise() {
        if !isRaised.exchange(true, ordering: .acquiringAndReleasing) {
            semaphore.signal()
        }
    }

    /// Sleeps until the signal is raised or `deadline` has come, and lowers it. Answers whether it
    /// was raised.
    @discardableResult
    package func wait(until deadline: ContinuousClock.Instant) -> Bool {
        // A minute at most: whoever asked for longer asks again.
        let pause = min(max(ContinuousClock.now.duration(to: deadline), .zero), .seconds(60))
        let (seconds, attoseconds) = pause.components
        let timeout = DispatchTimeInterval.nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
        // The semaphore and the flag go together: both are taken, or none.
        guard semaphore.wait(timeout: .now() + timeout) == .success else { return false }
        lower()
        return true
    }

    private func lower() {
        // An exchange, not a store: it reads what the last `raise()` released.
        _ = isRaised.exchange(false, ordering: .acquiringAndReleasing)
    }
}
