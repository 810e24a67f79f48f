package import XKafkaCore

#if SimulatedDefects
    import XKafkaOffsets
#endif

/// Decides how assignments are taken up and given back, and how a consumer stops.
///
/// A value without I/O and without a clock: each method is something that happened, and answers
/// what is to be done about it, in order. Giving partitions back is a *round*, which goes through
/// these steps, each with an end that does not depend on user code or on the broker (R10):
///
///     draining -> (deadline) cancelling -> (grace over) committing -> (acknowledged or given up)
///         -> notifying, if the user wants to know -> (answered or deadline) done
///
/// Stopping is a round over everything that no other round has. Rounds drain side by side, so that a
/// stop during a revocation has its one deadline, and a partition that is in none of them goes on
/// untouched. Their last commits go out one after the other, in the order of the rounds, which is
/// also the order in which the group gets its answers.
///
/// librdkafka sends no second rebalance before the first is answered, so of what has to wait its
/// turn there is little.
package struct RebalanceMachine: Sendable {
    package typealias Instant = ContinuousClock.Instant

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

    private enum Report {
        case assigned([TopicPartition])
        case revoked([TopicPartition])
    }

    private let limits: Limits
    private let notifiesRevoked: Bool
    /// What is being given back: revocations in the order they came, and a stop.
    private var rounds: [Round] = []
    /// What has to wait until the rounds before it are over.
    private var waiting: [Report] = []
    private var nextToken: UInt64 = 0
    /// Whether everything was drained and committed because the consumer stops: what is revoked now is
    /// given back without another round.
    private var hasLeft = false
    private var isStopping = false

    package private(set) var owned: Set<TopicPartition> = []

    /// A machine that owns nothing.
    ///
    /// - Parameter notifiesRevoked: whether somebody wants to be told of revocations before partitions
    ///   are given back (see ``Action/notifyRevoked(_:_:)``).
    package init(limits: Limits, notifiesRevoked: Bool = false) {
        self.limits = limits
        self.notifiesRevoked = notifiesRevoked
    }

    /// When ``timeReached(_:)`` wants to be called next.
    package var nextDeadline: Instant? { rounds.lazy.compactMap(\.deadline).min() }

    /// Whether no partitions are being given back, and the consumer is not stopping.
    package var isSteady: Bool { rounds.isEmpty && !isStopping }

    // MARK: Events

    package mutating func assigned(_ partitions: [TopicPartition], at now: Instant) -> [Action] {
        waiting.append(.assigned(partitions))
        return serveWaiting(at: now)
    }

    package mutating func revoked(_ partitions: [TopicPartition], lost: Bool, at now: Instant) -> [Action] {
        if lost { return lose(partitions, at: now) }
        waiting.append(.revoked(partitions))
        return serveWaiting(at: now)
    }

    /// The consumer is to end.
    package mutating func stop(at now: Instant) -> [Action] {
        guard !isStopping else { return [] }
        isStopping = true
        #if SimulatedDefects
            if SimulatedDefect.stopWaitsForRevocations.isOn, !rounds.isEmpty {
                isStopping = false
                return []
            }
        #endif
        let others = owned.subtracting(rounds.flatMap { $0.partitions })
        return startRound(others.sorted(), isShutdown: true, at: now)
    }

    /// No message of this partition is in hand any more.
    package mutating func drained(_ partition: TopicPartition, at now: Instant) -> [Action] {
        for index in rounds.indices where rounds[index].undrained.remove(partition) != nil {
            rounds[index].noteDrained()
        }
        return proceed(at: now)
    }

    /// The last commit of a round was acknowledged, or failed for good.
    package mutating func committed(_ token: Token, at now: Instant) -> [Action] {
        #if SimulatedDefects
            if SimulatedDefect.anyTokenAnswers.isOn, rounds.first?.stage == .committing { return endCommit(at: now) }
        #endif
        guard let first = rounds.first, first.stage == .committing, first.token == token else { return [] }
        return endCommit(at: now)
    }

    /// The user was told of a revocation, and is done with it.
    package mutating func notified(_ token: Token, at now: Instant) -> [Action] {
        guard let first = rounds.first, first.stage == .notifying, first.token == token else { return [] }
        return finishRound(at: now)
    }

    package mutating func timeReached(_ now: Instant) -> [Action] {
        var actions: [Action] = []
        for index in rounds.indices {
            guard let deadline = rounds[index].deadline, now >= deadline else { continue }
            switch rounds[index].stage {
            case .draining:
                rounds[index].stage = .cancelling
                rounds[index].deadline = now + limits.cancellationGrace
                actions.append(.cancelHandlers(rounds[index].undrained.sorted()))
            case .cancelling:
                #if SimulatedDefects
                    if SimulatedDefect.cancelledHandlersAreWaitedFor.isOn {
                        rounds[index].deadline = now + limits.drain
                        continue
                    }
                #endif
                rounds[index].endDraining()
            case .drained, .committing, .notifying: break
            }
        }
        // Only the first round can be that far.
        if let first = rounds.first, let deadline = first.deadline, now >= deadline {
            switch first.stage {
            case .committing: actions += endCommit(at: now)
            case .notifying: actions += finishRound(at: now)
            case .draining, .cancelling, .drained: break
            }
        }
        return actions + proceed(at: now)
    }

    // MARK: Reports of the group

    /// Takes up what waited, as far as its turn has come.
    private mutating func serveWaiting(at now: Instant) -> [Action] {
        var actions: [Action] = []
        while let report = waiting.first {
            switch report {
            case .assigned(let partitions):
                // A stop owes the group no answer, so an assignment need not wait for its end.
                guard rounds.allSatisfy(\.isShutdown) else { return actions }
                waiting.removeFirst()
                owned.formUnion(partitions)
                actions.append(.assign(partitions, feeding: !isStopping))
            case .revoked(let partitions):
                // What is drained because of a stop is given back when that has been committed.
                guard !isStopping || hasLeft else { return actions }
                waiting.removeFirst()
                let mine = partitions.filter(owned.contains)
                if hasLeft {
                    owned.subtract(mine)
                    actions.append(.giveBack(mine, lost: false))
                } else {
                    actions += startRound(mine, isShutdown: false, at: now)
                }
            }
        }
        return actions
    }

    /// Another member may own them already: nothing is committed and nobody is waited for.
    private mutating func lose(_ partitions: [TopicPartition], at now: Instant) -> [Action] {
        let lost = Set(partitions)
        owned.subtract(lost)
        // An answer is owed to each report, and an empty one will do.
        waiting = waiting.map { report in
            switch report {
            case .assigned(let partitions): .assigned(partitions.filter { !lost.contains($0) })
            case .revoked(let partitions): .revoked(partitions.filter { !lost.contains($0) })
            }
        }
        var actions: [Action] = [
            .stopFeeding(partitions), .cancelHandlers(partitions), .giveBack(partitions, lost: true),
        ]
        #if SimulatedDefects
            if SimulatedDefect.lostPartitionsAreCommitted.isOn { return actions }
        #endif
        for index in rounds.indices where !lost.isDisjoint(with: rounds[index].partitions) {
            rounds[index].partitions.removeAll { lost.contains($0) }
            rounds[index].undrained.subtract(lost)
            rounds[index].noteDrained()
        }
        guard let first = rounds.first, first.stage > .drained else { return actions + proceed(at: now) }
        if first.partitions.isEmpty { return actions + finishRound(at: now) }
        // What remains is committed all the same, and nothing for what another member may own.
        if first.stage == .committing { actions.append(.commit(first.partitions, first.token)) }
        return actions
    }

    // MARK: Rounds

    private mutating func startRound(_ partitions: [TopicPartition], isShutdown: Bool, at now: Instant) -> [Action] {
        nextToken += 1
        var round = Round(
            token: Token(number: nextToken, startTime: now),
            // Those that are being given back already are in a round that ends before this one.
            partitions: partitions.filter { partition in !rounds.contains { $0.partitions.contains(partition) } },
            isShutdown: isShutdown,
            drainDeadline: now + limits.drain
        )
        round.noteDrained()
        rounds.append(round)
        let feeding = round.partitions
        return (feeding.isEmpty ? [] : [.stopFeeding(feeding)]) + proceed(at: now)
    }

    /// Lets the first round go on when it waits for nothing but its turn.
    private mutating func proceed(at now: Instant) -> [Action] {
        guard let first = rounds.first, first.stage == .drained else { return [] }
        guard !first.partitions.isEmpty else { return finishRound(at: now) }
        #if SimulatedDefects
            if SimulatedDefect.revocationsAreNotCommitted.isOn { return finishRound(at: now) }
        #endif
        rounds[0].stage = .committing
        rounds[0].deadline = now + limits.commit
        return [.commit(first.partitions, first.token)]
    }

    private mutating func endCommit(at now: Instant) -> [Action] {
        guard notifiesRevoked, let first = rounds.first, !first.partitions.isEmpty else {
            return finishRound(at: now)
        }
        rounds[0].stage = .notifying
        // A round that took all its time still tells of its end, and waits as long as for a handler that
        // was cancelled.
        rounds[0].deadline = max(first.drainDeadline, now + limits.cancellationGrace)
        return [.notifyRevoked(first.partitions, first.token)]
    }

    private mutating func finishRound(at now: Instant) -> [Action] {
        guard let finished = rounds.first else { return [] }
        rounds.removeFirst()
        var actions: [Action] = []
        if finished.isShutdown {
            hasLeft = true
            actions.append(.leave)
        } else {
            owned.subtract(finished.partitions)
            // An empty answer is still owed: librdkafka waits for it.
            actions.append(.giveBack(finished.partitions, lost: false))
        }
        actions += serveWaiting(at: now)
        return actions + proceed(at: now)
    }
}
