import XKafkaCore

/// From when on a trouble counts in `health`.
///
/// Some troubles count at once, such as brokers that cannot be reached. Those that are normal for a while, such as a
/// message that takes its time, count from ``degradedAfter`` on. What keeps everything from going on is a stall after
/// ``stalledAfter``.
public struct HealthConfig: Sendable, Hashable {
    /// The default of ``degradedAfter``, 30 s.
    public static let defaultDegradedAfter = Duration.seconds(30)
    /// The default of ``stalledAfter``, 2 min.
    public static let defaultStalledAfter = Duration.seconds(120)

    /// How long a frontier may stand still while messages are in hand, a commit may go unanswered, intake may lack
    /// memory although handlers are free, or a producer's message may be under way, before health is degraded. Default
    /// 30 s; more than the slowest handler takes, retries included.
    public var degradedAfter: Duration

    /// How long everything may be at a standstill before health is stalled. Default 2 min, at least
    /// ``degradedAfter``.
    public var stalledAfter: Duration

    /// The defaults, unless told otherwise.
    public init(
        degradedAfter: Duration = HealthConfig.defaultDegradedAfter,
        stalledAfter: Duration = HealthConfig.defaultStalledAfter
    ) {
        self.degradedAfter = degradedAfter
        self.stalledAfter = stalledAfter
    }
}

extension HealthConfig {
    func check(_ checks: inout ConfigurationChecks, field: String) {
        checks.requirePositive(degradedAfter, "\(field).degradedAfter")
        checks.require(
            stalledAfter >= degradedAfter,
            "\(field).stalledAfter",
            got: stalledAfter,
            "must be >= degradedAfter (\(degradedAfter))"
        )
    }
}
