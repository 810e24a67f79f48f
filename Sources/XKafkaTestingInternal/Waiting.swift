/// A test waited for something that did not happen in time.
package struct DeadlineExceeded: Error, CustomStringConvertible {
    package let what: String
    package let limit: Duration

    package var description: String { "waited \(limit) for \(what)" }
}

/// Runs `body`, and throws when it takes longer than `limit`. The body is cancelled then, and must
/// react to that.
package func withDeadline<Result: Sendable>(
    _ limit: Duration,
    _ what: String,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw DeadlineExceeded(what: what, limit: limit)
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CancellationError() }
        return first
    }
}

/// Waits until `condition` holds, looking again and again; throws when it does not in time. For what
/// nobody announces; where something does, wait for that.
package func eventually(
    within limit: Duration = .seconds(30),
    _ what: String,
    _ condition: @Sendable () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !(try await condition()) {
        guard ContinuousClock.now < deadline else { throw DeadlineExceeded(what: what, limit: limit) }
        try await Task.sleep(for: .milliseconds(5))
    }
}
