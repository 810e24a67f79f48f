import Synchronization

/// Counts messages and measures from the first to the last.
final class MessageCounter: Sendable {
    private let limit: Int64
    private let seen = Atomic<Int64>(0)
    private let stopwatch = Mutex<Stopwatch?>(nil)
    private let stream: AsyncStream<Measurement>
    private let continuation: AsyncStream<Measurement>.Continuation

    init(limit: Int64) {
        self.limit = limit
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Starts the clock, unless it runs.
    func begin() {
        stopwatch.withLock { $0 = $0 ?? Stopwatch() }
    }

    func count() {
        let number = seen.add(1, ordering: .relaxed).newValue
        if number == 1 { begin() }
        if number == limit, let stopwatch = stopwatch.withLock({ $0 }) {
            continuation.yield(stopwatch.measurement(messages: number))
        }
    }

    var end: Task<Measurement, Never> {
        Task {
            for await measurement in stream { return measurement }
            return Measurement(messages: 0, seconds: 0, cpuSeconds: 0)
        }
    }
}
