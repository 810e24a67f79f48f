import Foundation
import Synchronization

/// Stops the process where it is (`SIGSTOP`) when it has done a number of messages: whoever started it then finds it at
/// that point, however late it comes to look.
final class SelfStop: Sendable {
    private struct State {
        var done = 0
        var goal = Int.max
    }

    private let state = Mutex(State())

    /// Stops when `count` further messages are done.
    func arm(after count: Int) {
        state.withLock { $0.goal = $0.done + count }
    }

    /// A message is done.
    func noteDone() {
        let isReached = state.withLock { state in
            state.done += 1
            guard state.done >= state.goal else { return false }
            state.goal = .max
            return true
        }
        if isReached { kill(getpid(), SIGSTOP) }
    }
}
