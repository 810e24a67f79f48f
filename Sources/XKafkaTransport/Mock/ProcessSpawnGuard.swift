import Synchronization

/// Keeps the start of a child process and the taking down of a mock broker apart.
///
/// Taking a broker down closes its listening socket and binds the port anew. A child process that is
/// just being started holds a copy of the socket until it has become another program: binding then
/// fails, and librdkafka ends the whole process. Unlike any other lock here this one is held while
/// something else works, a matter of a millisecond, and only in tests.
package enum ProcessSpawnGuard {
    private static let guarded = Mutex(())

    /// Runs `body` while nothing else that is guarded runs.
    package static func run<Result: Sendable>(_ body: () throws -> Result) rethrows -> Result {
        try guarded.withLock { _ in try body() }
    }
}
