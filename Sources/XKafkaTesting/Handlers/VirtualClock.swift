import Synchronization

/// A clock that waits for nothing: whoever sleeps on it wakes at once, and that much later.
///
/// It lets pauses between attempts pass in no time, and tells how long they would have been:
///
/// ```swift
/// let clock = VirtualClock()
/// let retry = ConsumeRetry(RetryConfig(maxRetries: 3, jitter: false), clock: clock)
/// try await composeConsume([retry], handler)(ConsumeContext(topic: "orders", value: "paid"))
/// #expect(clock.sleeps == [.milliseconds(100), .milliseconds(200)])
/// ```
///
/// Meant for one sleeper at a time. What would be tried for ever ends with ``VirtualClockError``.
public final class VirtualClock: Clock {
    /// A point in virtual time.
    public struct Instant: InstantProtocol {
        /// The time since the clock was made.
        public let elapsed: Duration

        /// The instant that is `duration` later.
        public func advanced(by duration: Duration) -> Instant { Instant(elapsed: elapsed + duration) }

        /// The time from here to `other`.
        public func duration(to other: Instant) -> Duration { other.elapsed - elapsed }

        /// Whether `left` is earlier.
        public static func < (left: Instant, right: Instant) -> Bool { left.elapsed < right.elapsed }
    }

    private struct State {
        var now = Instant(elapsed: .zero)
        var sleeps: [Duration] = []
    }

    private let state = Mutex(State())
    private let sleepLimit: Int

    /// A clock that shows zero.
    ///
    /// - Parameter sleepLimit: how many sleeps there may be before further ones throw, so that a test of
    ///   something that is tried for ever ends. Default 1,000.
    public init(sleepLimit: Int = 1_000) {
        self.sleepLimit = sleepLimit
    }

    /// The time there is: the sum of all sleeps.
    public var now: Instant { state.withLock { $0.now } }

    /// The smallest time that it tells from none, a nanosecond.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// How long each sleep would have taken, in order.
    public var sleeps: [Duration] { state.withLock { $0.sleeps } }

    /// Sets the time to `deadline`, and returns.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, ``VirtualClockError`` when there were too many
    ///   sleeps already.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try Task.checkCancellation()
        try state.withLock { state in
            guard state.sleeps.count < sleepLimit else { throw VirtualClockError(sleepLimit: sleepLimit) }
            state.sleeps.append(max(.zero, state.now.duration(to: deadline)))
            state.now = max(state.now, deadline)
        }
        // As any sleep, it lets others run.
        await Task.yield()
    }
}

/// There were more sleeps on a ``VirtualClock`` than it was made for.
public struct VirtualClockError: Error, Sendable, Hashable, CustomStringConvertible {
    /// How many there may be.
    public let sleepLimit: Int

    /// What happened, in words.
    public var description: String { "slept \(sleepLimit) times on a virtual clock, and not done yet" }
}
