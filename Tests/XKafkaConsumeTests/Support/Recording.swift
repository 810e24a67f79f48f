import Synchronization
import XKafkaConsume

/// Remembers what the failure hook was told.
final class RecordedFailures: Sendable {
    private let all = Mutex<[ConsumeFailure]>([])

    var failures: [ConsumeFailure] { all.withLock { $0 } }

    /// Stage and `willRetry` of each event.
    var steps: [String] { failures.map { "\($0.stage) \($0.willRetry)" } }

    var hook: ConsumeFailureHook {
        { failure in self.all.withLock { $0.append(failure) } }
    }
}

/// A place for dead letters that fails as often as it is told to.
final class RecordedLetters: DeadLetterPublisher {
    struct Refused: Error, CustomStringConvertible {
        let description = "broker down"
    }

    private let state: Mutex<(failures: Int, letters: [DeadLetter])>

    init(failures: Int = 0) {
        state = Mutex((failures, []))
    }

    var letters: [DeadLetter] { state.withLock { $0.letters } }

    func publish(_ letter: DeadLetter) async throws {
        try state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                throw Refused()
            }
            state.letters.append(letter)
        }
    }
}

/// Handles a message by failing a number of times.
final class FailingHandler: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let attempts = Mutex<[Int]>([])
    private let failures: Int
    private let error: any Error

    init(failures: Int, error: any Error = Failure(description: "no luck")) {
        self.failures = failures
        self.error = error
    }

    /// The attempts that were made.
    var made: [Int] { attempts.withLock { $0 } }

    func handle(_ message: ConsumeContext) throws {
        let count = attempts.withLock { attempts in
            attempts.append(message.attempt)
            return attempts.count
        }
        if count <= failures { throw error }
    }
}
