import Synchronization
import XKafkaConsume

/// What went wrong with a message, and what comes next. Immutable, and shared by reference so that the
/// messages that are well stay small.
final class Trouble: Sendable {
    enum Next: Sendable {
        /// Another attempt, at this time.
        case attempt(at: ContinuousClock.Instant)
        /// Publishing its dead letter, or seeing what became of that.
        case publish(Publication)
        /// The same again, at this time.
        case republish(Publication, at: ContinuousClock.Instant)
    }

    /// The failures of its handler; `nil` when it had none.
    let failures: FailureRecord?
    /// When its first attempt began.
    let startedAt: ContinuousClock.Instant
    /// Why its logical key is not known.
    let keyFailure: (any Error)?
    /// What went wrong last: in its handler, or with its dead letter.
    let lastError: any Error
    let next: Next

    init(
        failures: FailureRecord?,
        startedAt: ContinuousClock.Instant,
        keyFailure: (any Error)?,
        lastError: any Error,
        next: Next
    ) {
        self.failures = failures
        self.startedAt = startedAt
        self.keyFailure = keyFailure
        self.lastError = lastError
        self.next = next
    }

    /// The same message, its key found.
    var withKey: Trouble {
        Trouble(failures: failures, startedAt: startedAt, keyFailure: nil, lastError: lastError, next: next)
    }

    /// The same message, one step on.
    func then(_ next: Next, _ error: (any Error)?) -> Trouble {
        Trouble(
            failures: failures,
            startedAt: startedAt,
            keyFailure: keyFailure,
            lastError: error ?? lastError,
            next: next
        )
    }
}

/// One try at publishing a dead letter.
final class Publication: Sendable {
    enum Outcome: Sendable {
        case published
        case failed(any Error)
        /// The partition is being given back: nothing should be published any more.
        case cancelled
    }

    let letter: DeadLetter
    /// Which try it is, counted from 1.
    let attempt: Int
    private let result = Mutex<Outcome?>(nil)

    init(_ letter: DeadLetter, attempt: Int) {
        self.letter = letter
        self.attempt = attempt
    }

    /// What became of it; `nil` when it was not started.
    var outcome: Outcome? { result.withLock { $0 } }

    func end(_ outcome: Outcome) {
        result.withLock { $0 = outcome }
    }

    var again: Publication { Publication(letter, attempt: attempt + 1) }
}
