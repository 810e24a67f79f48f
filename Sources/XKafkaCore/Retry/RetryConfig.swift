/// How often, and after which pauses, something that failed is tried again.
///
/// The pause after attempt *n* is `initialBackoff * multiplier^(n-1)`, at most `maxBackoff`. With
/// `jitter` on, a random time between half of that and all of it is taken, so that many keys that
/// failed on the same dependency do not come back in lockstep.
public struct RetryConfig: Sendable, Hashable {
    /// The value of ``maxRetries`` that means "for ever".
    public static let infiniteRetries = -1
    /// The default of ``initialBackoff``, 100 ms.
    public static let defaultInitialBackoff = Duration.milliseconds(100)
    /// The default of ``maxBackoff``, 10 s.
    public static let defaultMaxBackoff = Duration.seconds(10)
    /// The default of ``multiplier``, 2.
    public static let defaultMultiplier = 2.0

    /// How many times to try again after the first attempt: ``infiniteRetries`` (-1, the default)
    /// for ever, 0 not at all.
    public var maxRetries: Int
    /// The pause after the first attempt. Default 100 ms.
    public var initialBackoff: Duration
    /// The longest pause. Default 10 s.
    public var maxBackoff: Duration
    /// What each pause is multiplied by to give the next. Default 2, at least 1.
    public var multiplier: Double
    /// Whether pauses are spread at random. Default `true`.
    public var jitter: Bool

    /// Retries for ever with pauses from 100 ms to 10 s, unless told otherwise.
    public init(
        maxRetries: Int = RetryConfig.infiniteRetries,
        initialBackoff: Duration = RetryConfig.defaultInitialBackoff,
        maxBackoff: Duration = RetryConfig.defaultMaxBackoff,
        multiplier: Double = RetryConfig.defaultMultiplier,
        jitter: Bool = true
    ) {
        self.maxRetries = maxRetries
        self.initialBackoff = initialBackoff
        self.maxBackoff = maxBackoff
        self.multiplier = multiplier
        self.jitter = jitter
    }
}

extension RetryConfig {
    /// Whether no attempt may follow attempt number `attempt`, counted from 1.
    package func isExhausted(afterAttempt attempt: Int) -> Bool {
        maxRetries != Self.infiniteRetries && attempt > maxRetries
    }

    /// The pause after attempt number `attempt`, counted from 1, before any jitter.
    package func backoff(afterAttempt attempt: Int) -> Duration {
        guard attempt > 1, multiplier > 1 else { return min(initialBackoff, maxBackoff) }
        // Step by step with an early exit, and as numbers: a duration traps when it grows too large.
        let ratio = maxBackoff / initialBackoff
        var factor = 1.0
        for _ in 1..<attempt {
            factor *= multiplier
            if factor >= ratio { return maxBackoff }
        }
        return min(initialBackoff * factor, maxBackoff)
    }

    /// The pause after attempt number `attempt`, counted from 1.
    package func pause(afterAttempt attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let backoff = backoff(afterAttempt: attempt)
        return jitter ? backoff * Double.random(in: 0.5...1, using: &generator) : backoff
    }

    package func check(_ checks: inout ConfigurationChecks, field: String = "retry") {
        checks.require(maxRetries >= -1, "\(field).maxRetries", got: maxRetries, "must be >= -1")
        checks.requirePositive(initialBackoff, "\(field).initialBackoff")
        checks.requirePositive(maxBackoff, "\(field).maxBackoff")
        checks.require(
            maxBackoff >= initialBackoff,
            "\(field).maxBackoff",
            got: maxBackoff,
            "must be >= initialBackoff (\(initialBackoff))"
        )
        checks.require(
            multiplier >= 1 && multiplier.isFinite,
            "\(field).multiplier",
            got: multiplier,
            "must be a finite number >= 1"
        )
    }
}
