public import XKafkaCore

/// How a consumer is doing: see ``GroupConsumer/health``.
public typealias ConsumerHealth = Health<ConsumerProblem>

/// What is wrong with a consumer. Times are rounded by how often the consumer thread looks: once a second.
public enum ConsumerProblem: Sendable {
    /// `consume` is not running: it was not called, or has returned.
    case notConsuming
    /// `consume` is about to end.
    case stopping
    /// The group has not said yet what this member reads, or partitions are being given back, or a callback for that
    /// runs.
    case assignmentNotSettled(for: Duration)
    /// Frontiers have stood still for too long while messages were in hand. The oldest, and how many there are.
    case frontierStandsStill(TopicPartitionOffset, for: Duration, partitions: Int)
    /// Partitions with messages are not read, for lack of memory, although handlers are free.
    case intakeHeld(for: Duration)
    /// A commit, or a save to the offset store, was not answered for too long.
    case commitUnanswered(for: Duration)
    /// Commits fail.
    case commitFails(for: Duration, any Error)
    /// The offset store fails.
    case offsetStoreFails(for: Duration, any Error)
    /// No broker can be reached.
    case brokersDown(for: Duration)
    /// Topics do not exist, and are waited for.
    case unknownTopics([String])
    /// The consumer thread shows no sign of life.
    case threadIsSilent(for: Duration)
}

extension ConsumerProblem: CustomStringConvertible {
    /// What is wrong, and what can be done about it.
    public var description: String {
        switch self {
        case .notConsuming: "consume is not running; call it, or see what it threw"
        case .stopping: "the consumer is stopping"
        case .assignmentNotSettled(let time):
            "the assignment has not been settled for \(time); if that lasts, look for members that join and leave, "
                + "or for an onAssigned or onRevoked that does not return"
        case .frontierStandsStill(let position, let time, let count):
            "nothing before \(position) was completed for \(time)\(count > 1 ? ", and \(count - 1) more partitions" : "")"
                + "; ask why(\"\(position.topicPartition.topic)\", \(position.topicPartition.partition)), "
                + "and see to that handler"
        case .intakeHeld(let time):
            "handlers are free but there is no room for messages, for \(time); few keys have all the messages: "
                + "raise shardQueueSize, byteBudget or maxTrackedOffsets, or find the key that is blocked"
        case .commitUnanswered(let time):
            "a commit was not answered for \(time); look at the group's coordinator, or at the offset store"
        case .commitFails(let time, let error): "commits have failed for \(time): \(error)"
        case .offsetStoreFails(let time, let error): "the offset store has failed for \(time): \(error)"
        case .brokersDown(let time):
            "no broker could be reached for \(time); look at the network, the brokers, and the addresses configured"
        case .unknownTopics(let topics): "topics do not exist: \(topics.joined(separator: ", ")); create them"
        case .threadIsSilent(let time):
            "the consumer thread was silent for \(time); the machine is overloaded, or this is a fault of the library's"
        }
    }
}

/// What the consumer thread noted about itself when it last looked.
struct ConsumerVitals: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// When that was; `nil` before the thread runs.
    var sampledAt: Instant?
    /// Since when the assignment is not settled; `nil` when it is.
    var unsettledSince: Instant?
    /// The frontiers that wait for messages in hand, and since when they stand where they are.
    var waiting: [(position: TopicPartitionOffset, since: Instant)] = []
    var intakeHeldSince: Instant?
    /// When the commit was sent that has no answer.
    var commitSince: Instant?
    var commitFailure: (since: Instant, error: any Error)?
    /// Whether commits are saves to a store.
    var savesToStore = false
    var brokersDownSince: Instant?
    var unknownTopics: Set<String> = []
}

extension ConsumerVitals {
    /// How long the thread may be silent. It looks once a second.
    static let silenceLimit = Duration.seconds(10)

    /// What these come to.
    func health(_ limits: HealthConfig, isStopping: Bool, at now: Instant) -> ConsumerHealth {
        var problems: [(ConsumerProblem, Bool)] = []
        /// Adds a problem that counts from `limit` on, and is a stall later on if it stops everything.
        func add(
            _ since: Instant?,
            from limit: Duration = .zero,
            stops: Bool = true,
            _ problem: (Duration) -> ConsumerProblem
        ) {
            guard let since else { return }
            let time = max(.zero, since.duration(to: now))
            guard time >= limit else { return }
            problems.append((problem(time), stops && time >= limits.stalledAfter))
        }
        if let sampledAt, sampledAt.duration(to: now) >= Self.silenceLimit {
            problems.append((.threadIsSilent(for: sampledAt.duration(to: now)), true))
        }
        if isStopping { problems.append((.stopping, false)) }
        add(brokersDownSince) { .brokersDown(for: $0) }
        if !isStopping { add(unsettledSince) { .assignmentNotSettled(for: $0) } }
        let still = waiting.filter { $0.since.duration(to: now) >= limits.degradedAfter }
        if let oldest = still.min(by: { $0.since < $1.since }) {
            // While another partition goes on, not everything is at a standstill.
            let youngest = waiting.map(\.since).max() ?? oldest.since
            let stops = youngest.duration(to: now) >= limits.stalledAfter
            add(oldest.since, stops: stops) {
                .frontierStandsStill(oldest.position, for: $0, partitions: still.count)
            }
        }
        add(intakeHeldSince, from: limits.degradedAfter, stops: false) { .intakeHeld(for: $0) }
        add(commitSince, from: limits.degradedAfter) { .commitUnanswered(for: $0) }
        if let failure = commitFailure {
            add(failure.since) {
                savesToStore ? .offsetStoreFails(for: $0, failure.error) : .commitFails(for: $0, failure.error)
            }
        }
        if !unknownTopics.isEmpty { problems.append((.unknownTopics(unknownTopics.sorted()), false)) }
        return ConsumerHealth(problems.map { (problem: $0.0, isStall: $0.1) })
    }
}
