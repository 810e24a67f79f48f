/// How a producer is doing: see ``Producer/health``.
public typealias ProducerHealth = Health<ProducerProblem>

/// What is wrong with a producer.
public enum ProducerProblem: Sendable {
    /// It was closed.
    case closed
    /// It met an error after which it can send nothing any more.
    case fatal(any Error)
    /// No broker can be reached.
    case brokersDown(for: Duration)
    /// Callers have been waiting for room for too long.
    case full(for: Duration)
    /// A message has been under way for too long; at least for this time.
    case messageUnacknowledged(for: Duration)
}

extension ProducerProblem: CustomStringConvertible {
    /// What is wrong, and what can be done about it.
    public var description: String {
        switch self {
        case .closed: "the producer is closed"
        case .fatal(let error): "nothing can be sent any more; make a new producer: \(error)"
        case .brokersDown(let time):
            "no broker could be reached for \(time); look at the network, the brokers, and the addresses configured"
        case .full(let time):
            "callers have waited for room for \(time); the brokers take less than is sent: see their load, or raise "
                + "maxInFlightMessages, maxInFlightBytes or dispatch.queueSize"
        case .messageUnacknowledged(let time):
            "a message has been under way for \(time); look for brokers that are slow or down, and in the log for "
                + "messages that are tried again and again"
        }
    }
}

/// What is known of a producer at a moment.
struct ProducerVitals: Sendable {
    typealias Instant = ContinuousClock.Instant

    var isClosed = false
    var fatalError: (any Error)?
    var brokersDownSince: Instant?
    var fullSince: Instant?
    /// A time before which a message was handed in that is still under way.
    var oldestSince: Instant?

    /// What these come to.
    func health(_ limits: HealthConfig, at now: Instant) -> ProducerHealth {
        var problems: [(problem: ProducerProblem, isStall: Bool)] = []
        func add(_ since: Instant?, from limit: Duration = .zero, _ problem: (Duration) -> ProducerProblem) {
            guard let since else { return }
            let time = max(.zero, since.duration(to: now))
            if time >= limit { problems.append((problem(time), time >= limits.stalledAfter)) }
        }
        if let fatalError {
            problems.append((.fatal(fatalError), true))
        } else if isClosed {
            problems.append((.closed, true))
        }
        add(brokersDownSince) { .brokersDown(for: $0) }
        add(fullSince, from: limits.degradedAfter) { .full(for: $0) }
        add(oldestSince, from: limits.degradedAfter) { .messageUnacknowledged(for: $0) }
        return ProducerHealth(problems)
    }
}
