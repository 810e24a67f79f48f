import Logging
import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaTransport

/// What is committed when. One commit at a time: librdkafka may repeat a commit that got no answer,
/// and a later one must not be overtaken by that (R11).
struct CommitSchedule {
    struct InFlight {
        let number: Int
        /// The assignments it is about, so that an answer for an older one is ignored.
        let entries: [PartitionEntry]
    }

    /// The last commit of partitions that are being given back.
    struct Final {
        let partitions: [TopicPartition]
        let token: RebalanceMachine.Token
    }

    var inFlight: InFlight?
    var final: Final?
    var lastNumber = 0
    var nextRegular = ContinuousClock.now
    /// When a final commit that failed is sent again.
    var retryTime: ContinuousClock.Instant?
    var lastError: (any Error)?

    /// When there is something to do. A regular commit needs no wake-up of its own: the thread wakes
    /// more often than any sensible interval.
    var nextTime: ContinuousClock.Instant? {
        guard inFlight == nil, final != nil else { return nil }
        return retryTime ?? .now
    }
}

extension ConsumerLoop {
    /// How long a final commit waits after a failure.
    static let finalCommitRetry = Duration.milliseconds(100)

    func commitIfDue(_ now: ContinuousClock.Instant) {
        guard commits.inFlight == nil else { return }
        if let final = commits.final {
            if let retryTime = commits.retryTime, now < retryTime { return }
            let entries = final.partitions.compactMap { partitions[$0] }.filter { $0.uncommitted != nil }
            if entries.isEmpty {
                commits.final = nil
                perform(machine.committed(final.token, at: now))
            } else {
                send(entries, now)
            }
        } else if now >= commits.nextRegular, runtime.hasProgress.exchange(false, ordering: .acquiringAndReleasing) {
            commits.nextRegular = now + runtime.processing.commitInterval
            let entries = turns.filter { $0.uncommitted != nil }
            if !entries.isEmpty { send(entries, now) }
        }
    }

    private func send(_ entries: [PartitionEntry], _ now: ContinuousClock.Instant) {
        commits.lastNumber += 1
        let number = commits.lastNumber
        let offsets = entries.compactMap(\.uncommitted)
        commits.inFlight = .init(number: number, entries: entries)
        runtime.logger.trace(
            "xkafka committing",
            metadata: ["offsets": "\(offsets.map(\.description).joined(separator: " "))"]
        )
        switch role {
        case .group:
            do {
                try client.commit(offsets, number: number)
            } catch {
                noteCommit(CommitOutcome(number: number, partitions: offsets.map { ($0, error) }), now)
            }
        case .partition(_, let store):
            let runtime = runtime
            Task {
                var results: [(offset: TopicPartitionOffset, error: (any Error)?)] = []
                for offset in offsets {
                    do {
                        try await store.save(offset.offset, for: offset.topicPartition)
                        results.append((offset, nil))
                    } catch {
                        results.append((offset, error))
                    }
                }
                runtime.post(CommitOutcome(number: number, partitions: results))
            }
        }
    }

    func noteCommit(_ outcome: CommitOutcome, _ now: ContinuousClock.Instant) {
        guard let inFlight = commits.inFlight, inFlight.number == outcome.number else { return }
        commits.inFlight = nil
        for (offset, error) in outcome.partitions where error == nil {
            let entry = inFlight.entries.first { $0.topicPartition == offset.topicPartition }
            if let entry { entry.committed = max(entry.committed ?? 0, offset.offset) }
        }
        guard let error = outcome.error else {
            commits.lastError = nil
            commits.retryTime = nil
            return
        }
        if commits.lastError == nil {
            runtime.logger.warning("xkafka commit failed", metadata: ["error": "\(error)"])
        }
        commits.lastError = error
        // What was not committed is still to be.
        runtime.hasProgress.store(true, ordering: .releasing)
        if commits.final != nil {
            if isWorthRepeating(error) {
                commits.retryTime = now + Self.finalCommitRetry
            } else if let token = commits.final?.token {
                giveUpFinalCommit()
                perform(machine.committed(token, at: now))
            }
        }
    }

    /// Called when partitions are given back: a final commit that is still due has had its time.
    func giveUpFinalCommit() {
        guard commits.final != nil else { return }
        commits.final = nil
        commits.retryTime = nil
        commits.inFlight = nil
        report.commitError = commits.lastError ?? ConsumerError(.commitTimedOut)
    }

    private func isWorthRepeating(_ error: any Error) -> Bool {
        // A store's errors say nothing about whether they will pass.
        (error as? KafkaError).map { $0.errorClass == .retriable } ?? true
    }
}

extension CommitOutcome {
    init(_ outcome: ConsumerEvent.CommitOutcome) {
        number = outcome.number
        partitions = outcome.partitions.map { ($0.offset, $0.error ?? outcome.error) }
        requestError = outcome.error
    }
}
