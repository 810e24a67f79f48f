/// Runs `body` at most until `deadline`, then cancels it; answers whether it finished. A body that finishes
/// in spite of being cancelled has finished. What it throws is passed on, except for the cancellation.
func finishes(
    by deadline: ContinuousClock.Instant,
    _ body: @escaping @Sendable () async throws -> Void
) async throws -> Bool {
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            do {
                try await body()
                return true
            } catch is CancellationError {
                return false
            }
        }
        group.addTask {
            try? await Task.sleep(until: deadline, clock: .continuous)
            return false
        }
        var isFinished = false
        while let answer = try await group.next() {
            isFinished = isFinished || answer
            group.cancelAll()
        }
        return isFinished
    }
}
