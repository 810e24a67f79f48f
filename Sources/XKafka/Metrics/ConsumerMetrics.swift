import CoreMetrics
import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The metrics of one consumer, for as long as it lives. See the table at ``MetricsConfig``.
final class ConsumerMetrics: Sendable {
    private struct State {
        var lags: [TopicPartition: Meter] = [:]
        var otherLag: Meter?
    }

    let interval: Duration
    private let partitionLimit: Int
    private let maker: MetricsMaker
    private let state = Mutex(State())
    let statistics: StatisticsMetrics

    private let inFlight, queued, running, parked, bytesHeld: Meter
    private let processed, deadLettered, failed, retried, commitFailures, rebalances: Counter
    private let handlerTime, endToEndAge, commitTime, drainTime: CoreMetrics.Timer
    private let frontierAge, completedBeyondFrontier, completedUntold, partitions: Meter
    private let shardMax, shardMean, health: Meter

    init(_ config: MetricsConfig, group: String?) {
        interval = config.interval
        partitionLimit = config.partitionLimit
        maker = MetricsMaker(config, role: "consumer", group.map { [("group", $0)] } ?? [])
        statistics = StatisticsMetrics(maker, isProducer: false)
        inFlight = maker.meter("in_flight")
        queued = maker.meter("queued")
        running = maker.meter("running")
        parked = maker.meter("parked")
        bytesHeld = maker.meter("bytes_held")
        processed = maker.counter("processed")
        deadLettered = maker.counter("dead_lettered")
        failed = maker.counter("failed")
        retried = maker.counter("retried")
        commitFailures = maker.counter("commit_failures")
        rebalances = maker.counter("rebalances")
        handlerTime = maker.timer("handler_time")
        endToEndAge = maker.timer("end_to_end_age")
        commitTime = maker.timer("commit_time")
        drainTime = maker.timer("drain_time")
        frontierAge = maker.meter("frontier_age_seconds")
        completedBeyondFrontier = maker.meter("completed_beyond_frontier")
        completedUntold = maker.meter("completed_untold")
        partitions = maker.meter("partitions")
        shardMax = maker.meter("shard_messages_max")
        shardMean = maker.meter("shard_messages_mean")
        health = maker.meter("health")
    }

    // MARK: At once

    /// A handler whose attempts are timed.
    func timing(_ handler: @escaping ConsumeFunction) -> ConsumeFunction {
        // No capture list: a closure with one is called through another function, for each message.
        let (handlerTime, endToEndAge) = (handlerTime, endToEndAge)
        return { context in
            let start = ContinuousClock.now
            defer { handlerTime.record(start.duration(to: .now)) }
            try await handler(context)
            if let timestamp = context.timestamp {
                // Clocks of different machines: an age below zero is none.
                let age = Date().timeIntervalSince1970 * 1_000 - Double(timestamp.millisecondsSinceEpoch)
                endToEndAge.record(.milliseconds(max(0, age)))
            }
        }
    }

    func attemptFailed(willRetry: Bool) {
        failed.increment()
        if willRetry { retried.increment() }
    }

    func commitEnded(after time: Duration, isFailure: Bool) {
        commitTime.record(time)
        if isFailure { commitFailures.increment() }
    }

    func assigned() { rebalances.increment() }

    func drained(after time: Duration) { drainTime.record(time) }

    // MARK: Once per interval

    func count(processed newlyProcessed: Int, deadLettered newlyDeadLettered: Int) {
        if newlyProcessed > 0 { processed.increment(by: newlyProcessed) }
        if newlyDeadLettered > 0 { deadLettered.increment(by: newlyDeadLettered) }
    }

    func set(_ snapshot: ConsumerSnapshot, untold: Int64, _ health: ConsumerHealth) {
        inFlight.set(snapshot.queued + snapshot.runningHandlers)
        queued.set(snapshot.queued)
        running.set(snapshot.runningHandlers)
        parked.set(snapshot.parked)
        bytesHeld.set(snapshot.bytesInHand)
        frontierAge.set((snapshot.partitions.map(\.frontierAge).max() ?? .zero).inSeconds)
        completedBeyondFrontier.set(snapshot.partitions.reduce(0) { $0 + $1.completedBeyondFrontier })
        completedUntold.set(untold)
        partitions.set(snapshot.partitions.count)
        let messages = snapshot.shards.map(\.messages)
        shardMax.set(messages.max() ?? 0)
        shardMean.set(Double(messages.reduce(0, +)) / Double(max(1, messages.count)))
        self.health.set(health.level)
        setLags(snapshot.partitions)
    }

    private func setLags(_ partitions: [ConsumerSnapshot.Partition]) {
        let named = partitions.prefix(partitionLimit)
        let others = partitions.dropFirst(partitionLimit)
        state.withLock { state in
            let current = Set(named.map(\.topicPartition))
            for (topicPartition, meter) in state.lags where !current.contains(topicPartition) {
                meter.destroy()
                state.lags[topicPartition] = nil
            }
            for partition in named {
                guard let lag = partition.lag else { continue }
                let (topic, number) = (partition.topicPartition.topic, partition.topicPartition.partition)
                let meter =
                    state.lags[partition.topicPartition]
                    ?? maker.meter("lag", [("topic", topic), ("partition", "\(number)")])
                state.lags[partition.topicPartition] = meter
                meter.set(lag)
            }
            if others.isEmpty {
                state.otherLag?.destroy()
                state.otherLag = nil
            } else {
                let meter = state.otherLag ?? maker.meter("lag", [("topic", "other"), ("partition", "other")])
                state.otherLag = meter
                meter.set(others.reduce(0) { $0 + ($1.lag ?? 0) })
            }
        }
    }

    /// Nothing is consumed any more.
    func clear() {
        set(ConsumerSnapshot(state: .idle, isPaused: false), untold: 0, .stalled([.notConsuming]))
    }
}
