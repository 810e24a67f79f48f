public import CoreMetrics
import XKafkaCore

/// Which metrics a consumer or producer gives, by swift-metrics. Off unless a configuration has one of these.
///
/// Names begin with ``prefix``. Meters are set once per ``interval``, and counters grow then, unless the table says
/// otherwise. Times recorded by timers are in nanoseconds, as swift-metrics has it. No label has a key of a message.
///
/// | consumer | kind | what |
/// |---|---|---|
/// | `xkafka_consumer_in_flight` | meter | messages that wait for a handler or are with one |
/// | `xkafka_consumer_queued` | meter | those of them that wait |
/// | `xkafka_consumer_running` | meter | those of them that are with a handler |
/// | `xkafka_consumer_parked` | meter | messages that failed and wait for their next attempt or dead letter |
/// | `xkafka_consumer_bytes_held` | meter | bytes of keys and values of all these |
/// | `xkafka_consumer_processed` | counter | messages that were completed |
/// | `xkafka_consumer_failed` | counter | attempts that failed; at once |
/// | `xkafka_consumer_retried` | counter | those of them that are followed by another attempt; at once |
/// | `xkafka_consumer_dead_lettered` | counter | messages that were published as dead letters |
/// | `xkafka_consumer_handler_time` | timer | an attempt, failed ones included; at once |
/// | `xkafka_consumer_end_to_end_age` | timer | from a message's timestamp to the end of its handler; at once |
/// | `xkafka_consumer_commit_time` | timer | from a commit, or a save to the store, to its answer; at once |
/// | `xkafka_consumer_commit_failures` | counter | commits or saves that failed; at once |
/// | `xkafka_consumer_frontier_age_seconds` | meter | for how long the oldest frontier has stood still before messages in hand |
/// | `xkafka_consumer_lag` | meter | offsets from a partition's frontier to its end; labels `topic` and `partition`, see ``partitionLimit`` |
/// | `xkafka_consumer_completed_beyond_frontier` | meter | messages that are done behind one that is not |
/// | `xkafka_consumer_completed_untold` | meter | those of them that did not fit into the last commit's metadata |
/// | `xkafka_consumer_partitions` | meter | assigned partitions |
/// | `xkafka_consumer_rebalances` | counter | assignments by the group; at once |
/// | `xkafka_consumer_drain_time` | timer | from the wish to have partitions back to the end of their last commit; at once |
/// | `xkafka_consumer_shard_messages_max`, `_mean` | meter | messages in the fullest shard, and on average |
/// | `xkafka_consumer_health` | meter | 0 healthy, 1 degraded, 2 stalled |
/// | `xkafka_consumer_brokers_up` | meter | brokers that are connected (1) |
/// | `xkafka_consumer_broker_round_trip_seconds` | meter | requests' round trips, on average (1) |
/// | `xkafka_consumer_broker_round_trip_p99_seconds` | meter | the same, 99th percentile of the slowest broker (1) |
/// | `xkafka_consumer_prefetched` | meter | messages that librdkafka holds ready (1) |
///
/// | producer | kind | what |
/// |---|---|---|
/// | `xkafka_producer_in_flight` | meter | messages between `produce` and their outcome |
/// | `xkafka_producer_queued` | meter | those of them that their lane holds back |
/// | `xkafka_producer_acknowledged` | counter | messages that brokers acknowledged; at once |
/// | `xkafka_producer_failed` | counter | messages that failed for good, label `class`: `retriable`, `permanent`, `fatal`, or `other` for errors that are not Kafka's; at once |
/// | `xkafka_producer_ack_time` | timer | from `produce` to the acknowledgement; at once |
/// | `xkafka_producer_batch_time` | timer | a call of `produceBatch` or `produceBatchReport`; at once |
/// | `xkafka_producer_health` | meter | 0 healthy, 1 degraded, 2 stalled |
/// | `xkafka_producer_brokers_up`, `_broker_round_trip_seconds`, `_broker_round_trip_p99_seconds` | meter | as for consumers (1) |
/// | `xkafka_producer_batching_seconds` | meter | how long messages wait in librdkafka for others to share their request, on average (1) |
/// | `xkafka_producer_request_queue_seconds` | meter | how long requests wait to be sent, on average (1) |
///
/// (1) from librdkafka's statistics, once per ``statisticsInterval``.
///
/// Consumers of a group have the label `group` as well. Everything has ``dimensions``.
public struct MetricsConfig: Sendable {
    /// The default of ``prefix``, `xkafka`.
    public static let defaultPrefix = "xkafka"
    /// The default of ``interval``, 1 s.
    public static let defaultInterval = Duration.seconds(1)
    /// The default of ``partitionLimit``, 100.
    public static let defaultPartitionLimit = 100
    /// The default of ``statisticsInterval``, 10 s.
    public static let defaultStatisticsInterval = Duration.seconds(10)

    /// Who makes the metrics. Default `nil`: the one that the process has bootstrapped swift-metrics with.
    public var factory: (any MetricsFactory)?

    /// What names begin with. Default `xkafka`.
    public var prefix: String

    /// Labels that all metrics get, by name. Default: none.
    public var dimensions: [String: String]

    /// How often meters are set. Default 1 s.
    public var interval: Duration

    /// How many partitions of a consumer have a lag of their own. Those beyond, in their order, share one with the
    /// labels `topic` and `partition` both `other`, which is the sum of theirs. Default 100.
    public var partitionLimit: Int

    /// How often librdkafka's statistics are read (`statistics.interval.ms`). Default 10 s; `nil` for never.
    public var statisticsInterval: Duration?

    /// The defaults, unless told otherwise.
    public init(
        factory: (any MetricsFactory)? = nil,
        prefix: String = MetricsConfig.defaultPrefix,
        dimensions: [String: String] = [:],
        interval: Duration = MetricsConfig.defaultInterval,
        partitionLimit: Int = MetricsConfig.defaultPartitionLimit,
        statisticsInterval: Duration? = MetricsConfig.defaultStatisticsInterval
    ) {
        self.factory = factory
        self.prefix = prefix
        self.dimensions = dimensions
        self.interval = interval
        self.partitionLimit = partitionLimit
        self.statisticsInterval = statisticsInterval
    }
}

extension MetricsConfig {
    func check(_ checks: inout ConfigurationChecks) {
        checks.requireText(prefix, "metrics.prefix", "names begin with something")
        checks.requireMilliseconds(interval, "metrics.interval", in: .milliseconds(100)...Duration.seconds(3_600))
        checks.require(
            partitionLimit >= 0,
            "metrics.partitionLimit",
            got: partitionLimit,
            "must be at least 0"
        )
        if let statisticsInterval {
            checks.requireMilliseconds(
                statisticsInterval,
                "metrics.statisticsInterval",
                in: .milliseconds(100)...Duration.seconds(86_400)
            )
        }
    }

    func set(_ properties: inout ClientProperties) {
        if let statisticsInterval { properties.set("statistics.interval.ms", milliseconds: statisticsInterval) }
    }
}

/// Makes metrics with a common beginning and common labels.
struct MetricsMaker: Sendable {
    let factory: any MetricsFactory
    let prefix: String
    let dimensions: [(String, String)]

    init(_ config: MetricsConfig, role: String, _ more: [(String, String)] = []) {
        factory = config.factory ?? MetricsSystem.factory
        prefix = "\(config.prefix)_\(role)_"
        dimensions = more + config.dimensions.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    func meter(_ name: String, _ more: [(String, String)] = []) -> Meter {
        Meter(label: prefix + name, dimensions: dimensions + more, factory: factory)
    }

    func counter(_ name: String, _ more: [(String, String)] = []) -> Counter {
        Counter(label: prefix + name, dimensions: dimensions + more, factory: factory)
    }

    func timer(_ name: String) -> Timer {
        Timer(label: prefix + name, dimensions: dimensions, factory: factory)
    }
}

extension Timer {
    func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        recordNanoseconds(overflow ? .max : nanoseconds &+ attoseconds / 1_000_000_000)
    }
}

extension Duration {
    var inSeconds: Double { self / .seconds(1) }
}

extension Health {
    var level: Int { isHealthy ? 0 : isDegraded ? 1 : 2 }
}
