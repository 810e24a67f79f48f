import Logging
import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaOffsets
import XKafkaTransport

/// Committing what is done, or saving it to the offset store.
extension ConsumerLoop {
    /// How long a final commit waits after a failure.
    static let finalCommitRetry = Duration.milliseconds(100)

    /// How far apart commits are at least that are due to the number of messages.
    static let commitSpacing = Duration.milliseconds(100)

    func commitIfDue(_ now: ContinuousClock.Instant) {
        guard commits.inFlight == nil, !commits.isHeldByJoining else { return }
        if let final = commits.final {
            if let retryTime = commits.retryTime, now < retryTime { return }
            let entries = final.partitions.compactMap { partitions[$0] }.filter(isDirty)
            if entries.isEmpty {
                commits.final = nil
                perform(machine.committed(final.token, at: now))
            } else {
                send(entries, now)
            }
        } else if isRegularCommitDue(now), runtime.progress.exchange(0, ordering: .acquiringAndReleasing) > 0 {
            let interval = runtime.processing.commitInterval
            commits.nextRegular = now + interval
            commits.nextByCount = now + min(interval / 10, Self.commitSpacing)
            let entries = turns.filter(isDirty)
            if !entries.isEmpty { send(entries, now) }
        }
    }

    /// Gives up when the offset store has failed, or not answered, for too long.
    func checkStore(_ now: ContinuousClock.Instant) {
        guard let reading = role.reading, !runtime.isStopRequested else { return }
        guard let since = commits.failingSince ?? commits.inFlight?.startTime else { return }
        guard now - since >= reading.storeFailureLimit else { return }
        let position = commits.inFlight?.parts.first?.position
        runtime.requestStop(failure: ConsumerError(.saveOffset, position: position, cause: commits.lastError))
    }

    private func isRegularCommitDue(_ now: ContinuousClock.Instant) -> Bool {
        now >= commits.nextRegular
            || commits.failures == 0 && now >= commits.nextByCount
                && runtime.progress.load(ordering: .relaxed) >= runtime.processing.commitCount
    }

    /// Lets the next regular commit look again for what is to be committed.
    func noteUncommitted() {
        runtime.progress.add(1, ordering: .relaxed)
    }

    private func send(_ entries: [PartitionEntry], _ now: ContinuousClock.Instant) {
        commits.lastNumber += 1
        let number = commits.lastNumber
        let parts = entries.compactMap(part)
        let offsets = parts.map(\.position)
        commits.untold = parts.reduce(0) { $0 + $1.untold }
        commits.inFlight = .init(number: number, parts: parts, isFinal: commits.final != nil, startTime: now)
        runtime.logger.trace(
            "xkafka committing",
            metadata: ["offsets": "\(parts.map { "\($0.position) \($0.metadata)" }.joined(separator: " "))"]
        )
        switch role {
        case .group:
            do {
                try client.commit(
                    parts.map { OffsetAndMetadata($0.position, metadata: $0.metadata) },
                    number: number
                )
            } catch {
                noteCommit(CommitOutcome(number: number, partitions: offsets.map { ($0, error) }), now)
            }
        case .partitions(let reading): save(parts.map { ($0.assigned.source, $0.map) }, to: reading.store, number)
        }
    }

    private func save(_ parts: [(MessageSource, CompletionMap)], to store: any OffsetStore, _ number: Int) {
        let runtime = runtime
        runtime.save {
            var results: [(offset: TopicPartitionOffset, error: (any Error)?)] = []
            for (source, map) in parts {
                let partition = source.topicPartition
                let position = TopicPartitionOffset(partition, offset: map.frontier)
                do {
                    switch store {
                    case let store as any AssignmentCheckpointStore:
                        try await store.save(Checkpoint(map), for: partition, assignmentEpoch: source.epoch)
                    case let store as any CheckpointStore: try await store.save(Checkpoint(map), for: partition)
                    default: try await store.save(map.frontier, for: partition)
                    }
                    results.append((position, nil))
                } catch {
                    results.append((position, error))
                }
            }
            runtime.post(CommitOutcome(number: number, partitions: results))
        }
    }

    private func isDirty(_ entry: PartitionEntry) -> Bool {
        guard let store = role.reading?.store else { return entry.isDirty }
        // Most stores keep the frontier alone.
        return store is any CheckpointStore ? entry.isDirty : entry.hasNewFrontier
    }

    private func part(_ entry: PartitionEntry) -> CommitSchedule.Part? {
        guard let (map, version) = entry.assigned.progress else { return nil }
        let empty = CompletionMap(frontier: map.frontier, ranges: [])
        guard case .group(let config) = role, !commits.sendsNoMetadata else {
            let told = role.reading?.store is any CheckpointStore ? map : empty
            return .init(
                entry: entry,
                assigned: entry.assigned,
                version: version,
                map: told,
                metadata: "",
                untold: map.count - told.count
            )
        }
        let (text, covered) = map.encoded(limit: config.offsetMetadataLimit)
        let told = covered == map.count ? map : CompletionMap(metadata: text, frontier: map.frontier) ?? empty
        return .init(
            entry: entry,
            assigned: entry.assigned,
            version: version,
            map: told,
            metadata: text,
            untold: map.count - covered
        )
    }

    func noteCommit(_ outcome: CommitOutcome, _ now: ContinuousClock.Instant) {
        guard let inFlight = commits.inFlight, inFlight.number == outcome.number else { return }
        commits.inFlight = nil
        runtime.plan.metrics?.commitEnded(after: inFlight.startTime.duration(to: now), isFailure: outcome.error != nil)
        for (offset, error) in outcome.partitions where error == nil {
            let part = inFlight.parts.first { $0.entry.topicPartition == offset.topicPartition }
            if let part, part.assigned === part.entry.assigned {
                part.entry.noteCommitted(part.map, version: part.version)
            }
        }
        guard let error = outcome.error else {
            commits.lastError = nil
            commits.retryTime = nil
            commits.failingSince = nil
            commits.failures = 0
            return
        }
        if (error as? KafkaError)?.code == .offsetMetadataTooLarge, !commits.sendsNoMetadata {
            commits.sendsNoMetadata = true
            runtime.logger.warning(
                "xkafka commits without metadata: the brokers take less than offsetMetadataLimit says"
            )
            noteUncommitted()
            commits.nextRegular = now
            return
        }
        if commits.lastError == nil {
            runtime.logger.warning("xkafka commit failed", metadata: ["error": "\(error)"])
        }
        commits.lastError = error
        commits.failingSince = commits.failingSince ?? inFlight.startTime
        // What was not committed is still to be.
        noteUncommitted()
        if role.reading != nil {
            // A store that fails is asked again after growing pauses.
            commits.failures += 1
            commits.nextRegular = now + RetryConfig().backoff(afterAttempt: commits.failures)
        }
        if commits.final != nil {
            // An earlier commit's error says nothing about the final one.
            if !inFlight.isFinal || isWorthRepeating(error) {
                commits.retryTime = now + Self.finalCommitRetry
            } else if let token = commits.final?.token {
                giveUpFinalCommit()
                perform(machine.committed(token, at: now))
            }
        }
    }

    /// Called when partitions are given back: a final commit that is still due, if there is one, has had
    /// its time.
    func giveUpFinalCommit() {
        guard commits.final != nil else { return }
        commits.final = nil
        commits.retryTime = nil
        // Its answer will mean nothing, and it may have been about partitions that stay.
        if commits.inFlight != nil { noteUncommitted() }
        commits.inFlight = nil
        commits.finalError = commits.lastError ?? ConsumerError(.commitTimedOut)
        report.commitError = commits.finalError
    }

    private func isWorthRepeating(_ error: any Error) -> Bool {
        // A store's errors say nothing about whether they will pass.
        (error as? KafkaError).map { $0.errorClass == .retriable } ?? true
    }
}
