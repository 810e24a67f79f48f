package import XKafkaCore

/// Decides how assignments are taken up and given back, and how a consumer stops.
///
/// A value without I/O and without a clock: each method is something that happened, and answers
/// what is to be done about it, in order. Giving partitions back goes through these steps, each
/// with an end that does not depend on user code or on the broker (R10):
///
///     draining -> (deadline) cancelling -> (grace over) committing -> (acknowledged or given up) done
///
/// What librdkafka reports meanwhile waits its turn: it sends no second rebalance before the first
/// is answered, so there is little of it.
package struct RebalanceMachine: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// Names one round of giving partitions back, so that what belongs to an earlier round is
    /// recognised and ignored (R8).
    package struct Token: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    package struct Limits: Sendable {
        /// How long handlers may go on once their partition is to be given back.
        package var drain: Duration
        /// How long they then have to react to being cancelled.
        package var cancellationGrace: Duration
        /// How long the last commit may take.
        package var commit: Duration

        package init(drain: Duration, cancellationGrace: Duration, commit: Duration) {
            self.drain = drain
            self.cancellationGrace = cancellationGrace
            self.commit = commit
        }
    }

    package enum Action: Sendable, Equatable {
        /// Start reading these partitions; `feeding` is false when the consumer is stopping.
        case assign([TopicPartition], feeding: Bool)
        /// Take nothing more from these partitions and start no handler for them.
        case stopFeeding([TopicPartition])
        /// Cancel the handlers that still run for these partitions.
        case cancelHandlers([TopicPartition])
        /// Commit the frontiers of these partitions a last time and report back with the token.
        case commit([TopicPartition], Token)
        /// Forget these partitions and tell the group so.
        case giveBack([TopicPartition], lost: Bool)
        /// Everything is drained and committed: leave the group.
        case leave
    }

    private enum Stage {
        case draining, cancelling, committing
    }

    private struct Round {
        let token: Token
        let partitions: [TopicPartition]
        let isShutdown: Bool
        var undrained: Set<TopicPartition>
        var stage = Stage.draining
        var deadline: Instant
    }

    private enum Report {
        case assigned([TopicPartition])
        case revoked([TopicPartition], lost: Bool)
        case stop
    }

    private let limits: Limits
    private var round: Round?
    /// What happened during a round. librdkafka waits for an answer before it reports more, so
    /// this holds one assignment or revocation and one stop at most.
    private var waiting: [Report] = []
    private var nextToken: UInt64 = 0
    /// Whether everything was drained and committed because the consumer stops: what is revoked now is
    /// given back without a second round.
    private var hasLeft = false
    private var isStopping = false

    package private(set) var owned: Set<TopicPartition> = []

    package init(limits: Limits) {
        self.limits = limits
    }

    /// When ``timeReached(_:)`` wants to be called next.
    package var nextDeadline: Instant? { round?.deadline }

    /// Whether no partitions are being given back, and the consumer is not stopping.
    package var isSteady: Bool { round == nil && !isStopping }

    // MARK: Events

    package mutating func assigned(_ partitions: [TopicPartition], at now: Instant) -> [Action] {
        handle(.assigned(partitions), at: now)
    }

    package mutating func revoked(_ partitions: [TopicPartition], lost: Bool, at now: Instant) -> [Action] {
        handle(.revoked(partitions, lost: lost), at: now)
    }

    /// The consumer is to end.
    package mutating func stop(at now: Instant) -> [Action] {
        guard !isStopping else { return [] }
        isStopping = true
        return handle(.stop, at: now)
    }

    /// No message of this partition is in hand any more.
    package mutating func drained(_ partition: TopicPartition, at now: Instant) -> [Action] {
        guard var current = round, current.stage != .committing, current.undrained.remove(partition) != nil else {
            return []
        }
        round = current
        return current.undrained.isEmpty ? commit(at: now) : []
    }

    /// The last commit of a round was acknowledged, or failed for good.
    package mutating func committed(_ token: Token, at now: Instant) -> [Action] {
        guard let current = round, current.stage == .committing, current.token == token else { return [] }
        return finishRound(current, at: now)
    }

    package mutating func timeReached(_ now: Instant) -> [Action] {
        guard var current = round, now >= current.deadline else { return [] }
        switch current.stage {
        case .draining:
            current.stage = .cancelling
            current.deadline = now + limits.cancellationGrace
            round = current
            return [.cancelHandlers(current.undrained.sorted())]
        case .cancelling: return commit(at: now)
        case .committing: return finishRound(current, at: now)
        }
    }

    // MARK: Steps

    private mutating func handle(_ report: Report, at now: Instant) -> [Action] {
        guard round == nil else {
            if case .revoked(let partitions, lost: true) = report { return lose(partitions, at: now) }
            waiting.append(report)
            return []
        }
        switch report {
        case .assigned(let partitions):
            owned.formUnion(partitions)
            return [.assign(partitions, feeding: !isStopping)]
        case .revoked(let partitions, let lost):
            if lost { return lose(partitions, at: now) }
            if hasLeft {
                owned.subtract(partitions)
                return [.giveBack(partitions, lost: false)]
            }
            return startRound(partitions, isShutdown: false, at: now)
        case .stop:
            return startRound(owned.sorted(), isShutdown: true, at: now)
        }
    }

    /// Another member may own them already: nothing is committed and nobody is waited for.
    private mutating func lose(_ partitions: [TopicPartition], at now: Instant) -> [Action] {
        owned.subtract(partitions)
        var actions: [Action] = [
            .stopFeeding(partitions), .cancelHandlers(partitions), .giveBack(partitions, lost: true),
        ]
        guard let current = round else { return actions }
        let left = current.partitions.filter { !partitions.contains($0) }
        let rest = Round(
            token: current.token,
            partitions: left,
            isShutdown: current.isShutdown,
            undrained: current.undrained.subtracting(partitions),
            stage: current.stage,
            deadline: current.deadline
        )
        round = rest
        if left.isEmpty {
            actions += finishRound(rest, at: now)
        } else if rest.undrained.isEmpty && rest.stage != .committing {
            actions += commit(at: now)
        }
        return actions
    }

    private mutating func startRound(_ partitions: [TopicPartition], isShutdown: Bool, at now: Instant) -> [Action] {
        nextToken += 1
        let new = Round(
            token: Token(number: nextToken),
            partitions: partitions,
            isShutdown: isShutdown,
            undrained: Set(partitions),
            deadline: now + limits.drain
        )
        round = new
        return [.stopFeeding(partitions)] + (partitions.isEmpty ? commit(at: now) : [])
    }

    private mutating func commit(at now: Instant) -> [Action] {
        guard var current = round else { return [] }
        current.stage = .committing
        current.deadline = now + limits.commit
        round = current
        return [.commit(current.partitions, current.token)]
    }

    private mutating func finishRound(_ finished: Round, at now: Instant) -> [Action] {
        round = nil
        var actions: [Action] = []
        if finished.isShutdown {
            hasLeft = true
            actions.append(.leave)
        } else {
            owned.subtract(finished.partitions)
            // An empty answer is still owed: librdkafka waits for it.
            actions.append(.giveBack(finished.partitions, lost: false))
        }
        let reports = waiting
        waiting = []
        for report in reports { actions += handle(report, at: now) }
        return actions
    }
}
