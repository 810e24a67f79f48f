import CoreMetrics
import XKafkaCore
import XKafkaProduce

/// The metrics of one producer. See the table at ``MetricsConfig``.
final class ProducerMetrics: Sendable {
    let statistics: StatisticsMetrics
    private let interval: Duration
    private let inFlight, queued, health: Meter
    private let acknowledged, retriable, permanent, fatal, other: Counter
    private let ackTime, batchTime: Timer

    init(_ config: MetricsConfig) {
        let maker = MetricsMaker(config, role: "producer")
        interval = config.interval
        statistics = StatisticsMetrics(maker, isProducer: true)
        inFlight = maker.meter("in_flight")
        queued = maker.meter("queued")
        health = maker.meter("health")
        acknowledged = maker.counter("acknowledged")
        retriable = maker.counter("failed", [("class", "retriable")])
        permanent = maker.counter("failed", [("class", "permanent")])
        fatal = maker.counter("failed", [("class", "fatal")])
        other = maker.counter("failed", [("class", "other")])
        ackTime = maker.timer("ack_time")
        batchTime = maker.timer("batch_time")
    }

    /// Counts a message that has an outcome.
    func ended(_ outgoing: Outgoing) {
        switch outgoing.work?.decided {
        case .success?, nil:
            acknowledged.increment()
            if let times = outgoing.times { ackTime.record(times.receivedAt.duration(to: .now)) }
        case .failure(let error)?: counter(of: error).increment()
        }
    }

    private func counter(of error: any Error) -> Counter {
        let cause = (error as? ProducerError)?.cause ?? error
        return switch (cause as? KafkaError)?.errorClass {
        case .retriable?: retriable
        case .permanent?: permanent
        case .fatal?: fatal
        case nil: other
        }
    }

    func batchEnded(since start: ContinuousClock.Instant) {
        batchTime.record(start.duration(to: .now))
    }

    /// Sets the meters once per interval, for as long as the producer is there.
    func run(for runtime: ProducerRuntime) {
        Task { [weak runtime, interval] in
            while let health = set(for: runtime), health.reasons.allSatisfy({ !$0.isClosed }) {
                try? await Task.sleep(for: interval)
            }
        }
    }

    private func set(for runtime: ProducerRuntime?) -> ProducerHealth? {
        guard let runtime else { return nil }
        let now = ContinuousClock.now
        let health = runtime.vitals(at: now).health(runtime.config.health, at: now)
        inFlight.set(runtime.gate.messagesInside)
        var waiting = 0
        runtime.lanes.forEach { waiting += $0.gate.messagesInside }
        queued.set(waiting)
        self.health.set(health.level)
        return health
    }
}

extension ProducerProblem {
    fileprivate var isClosed: Bool { if case .closed = self { true } else { false } }
}
