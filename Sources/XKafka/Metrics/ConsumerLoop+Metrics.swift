import XKafkaCore
import XKafkaEngine

/// Giving metrics, when they are on.
extension ConsumerLoop {
    func giveMetrics(_ now: ContinuousClock.Instant) {
        guard let metrics = runtime.plan.metrics, now >= nextMetrics else { return }
        nextMetrics = now + metrics.interval
        countOutcomes(metrics)
        metrics.set(snapshot(now), untold: commits.untold, runtime.health)
    }

    /// The last of it, after every partition was closed.
    func giveLastMetrics() {
        guard let metrics = runtime.plan.metrics else { return }
        countOutcomes(metrics)
        metrics.clear()
    }

    /// Counts what has ended since the last time.
    private func countOutcomes(_ metrics: ConsumerMetrics) {
        var (completed, deadLettered) = (report.completed, report.deadLettered)
        for entry in turns where !entry.isClosed {
            let ledger = entry.assigned.standing.ledger
            completed += ledger.completed
            deadLettered += ledger.deadLettered
        }
        metrics.count(processed: completed - counted.completed, deadLettered: deadLettered - counted.deadLettered)
        counted = (completed, deadLettered)
    }
}
