import Synchronization

/// Working through runs, and taking back what has not been begun.
extension WorkerPool {
    /// Works through a run, and takes what is next in its shard.
    @inlinable func workThrough(
        _ run: ElementRun<Bundle>,
        _ shard: Int,
        _ worker: Int,
        takesNext: Bool
    ) async -> (KeyLines.Ending, Taken?) {
        while let number = run.begin() {
            guard let outcome = await work.work(number, of: run.bundle) else { continue }
            // It was not done with at once, so its key waits, and the others go on by their keys.
            let ticket = withQueues(of: shard) { queues in
                (run.remainder == nil ? queues.takeApart() : nil, run.remainder?.ticket)
            }
            guard let ticket else { break }
            let job = Job(shard: shard, element: run.bundle.element(number), ticket: ticket)
            return end(job, outcome, worker, takesNext: takesNext)
        }
        let (ending, numbers, taken) = withQueues(of: shard) { queues in
            let (ending, numbers) = queues.finish(run)
            return (nil, (ending, numbers, takesNext && !ending.wasCancelled ? next(&queues, shard, worker) : nil))
        }
        if !numbers.isEmpty { work.end(numbers, of: run.bundle) }
        return (ending, taken)
    }

    /// Whether ``queueStalledRuns()`` is to be called.
    public var hasRuns: Bool {
        shards.contains { $0.queues.withLock { $0.hasRuns } }
    }

    /// Queues by key what waits in runs for the same element, or for the same keys, as at the last call: that is not
    /// quick after all. Called from time to time while it is needed, this bounds how long one key can hold up others
    /// (R4).
    public func queueStalledRuns() {
        var wereStalled = false
        let isQuick = pace.isQuick
        for index in shards.indices {
            let wasStalled = withQueues(of: index) { queues in
                let isStalled = queues.isStalled()
                return (isStalled || !isQuick ? queues.takeApart() : nil, isStalled)
            }
            if wasStalled { wereStalled = true }
        }
        if wereStalled { pace.noteStall() }
        wake()
    }
}
