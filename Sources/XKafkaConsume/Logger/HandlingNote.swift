import Synchronization

/// What a ``ConsumeRetry`` further in tells the ``ConsumeLogger`` around it: messages are values, so the
/// logger's own still says attempt 1, and a dead-lettered message returns like any other.
final class HandlingNote: Sendable {
    @TaskLocal static var current: HandlingNote?

    private struct State {
        var attempt: Int?
        var deadLetterCause: (any Error)?
    }

    private let state = Mutex(State())

    /// The attempt that was made last; `nil` when nobody counted.
    var attempt: Int? { state.withLock { $0.attempt } }

    /// Why the message was dead-lettered, if it was.
    var deadLetterCause: (any Error)? { state.withLock { $0.deadLetterCause } }

    func began(attempt: Int) {
        state.withLock { $0.attempt = attempt }
    }

    func deadLettered(_ cause: any Error) {
        state.withLock { $0.deadLetterCause = cause }
    }
}
