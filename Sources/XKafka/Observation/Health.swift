/// How a consumer or a producer is doing.
public enum Health<Problem: Sendable & CustomStringConvertible>: Sendable {
    /// All is well.
    case healthy
    /// Work goes on, though not all of it, or not for long if this stays. Still ready.
    case degraded([Problem])
    /// Nothing goes on. Not ready.
    case stalled([Problem])

    /// What is wrong; empty when healthy. When stalled, what is only degraded as well is among it.
    public var reasons: [Problem] {
        switch self {
        case .healthy: []
        case .degraded(let problems), .stalled(let problems): problems
        }
    }

    /// Whether all is well.
    public var isHealthy: Bool { if case .healthy = self { true } else { false } }
    /// Whether it is degraded.
    public var isDegraded: Bool { if case .degraded = self { true } else { false } }
    /// Whether it is stalled: what a readiness endpoint answers no for.
    public var isStalled: Bool { if case .stalled = self { true } else { false } }

    /// The worst of these decides.
    init(_ problems: [(problem: Problem, isStall: Bool)]) {
        if problems.isEmpty {
            self = .healthy
        } else if problems.contains(where: \.isStall) {
            self = .stalled(problems.filter(\.isStall).map(\.problem) + problems.filter { !$0.isStall }.map(\.problem))
        } else {
            self = .degraded(problems.map(\.problem))
        }
    }
}

extension Health: CustomStringConvertible {
    /// `healthy`, or what is wrong and what can be done about it.
    public var description: String {
        let reasons = reasons.map(\.description).joined(separator: "; ")
        return switch self {
        case .healthy: "healthy"
        case .degraded: "degraded: \(reasons)"
        case .stalled: "stalled: \(reasons)"
        }
    }
}
