import XKafkaEngine
import XKafkaOffsets

extension SimulatedMember {
    enum CommitError: Equatable {
        case retriable, permanent, metadataTooLarge
    }

    struct CommitAnswer {
        let number: Int
        let results: [(partition: Int, error: CommitError?)]
    }

    /// One commit at a time, as the consumer thread does it.
    struct CommitState {
        struct Part {
            let entry: SimulatedEntry
            let version: Int
            /// What is told of the completions.
            let map: CompletionMap
        }

        struct Final {
            let partitions: [Int]
            let token: RebalanceMachine.Token
        }

        var inFlight: (number: Int, parts: [Part], isFinal: Bool)?
        var final: Final?
        var lastNumber = 0
        var nextRegular: ContinuousClock.Instant?
        var retryTime: ContinuousClock.Instant?
        var sendsNoMetadata = false
        var hasProgress = false
        /// What the broker has answered and the member has not seen.
        var answers: [CommitAnswer] = []
    }

    /// Answers whether there was something to do.
    func commitIfDue() throws(SimulationViolation) -> Bool {
        guard commits.inFlight == nil else { return false }
        if let final = commits.final {
            if let retryTime = commits.retryTime, world.now < retryTime { return false }
            let dirty = final.partitions.compactMap { entries[$0] }.filter(\.isDirty)
            if dirty.isEmpty {
                commits.final = nil
                try perform(machine.committed(final.token, at: world.now))
            } else {
                try send(dirty)
            }
            return true
        }
        guard commits.hasProgress, world.now >= commits.nextRegular ?? world.now else { return false }
        commits.hasProgress = false
        commits.nextRegular = world.now + SimulationSetup.commitInterval
        let dirty = liveEntries.filter(\.isDirty)
        if !dirty.isEmpty { try send(dirty) }
        return true
    }

    private func send(_ dirty: [SimulatedEntry]) throws(SimulationViolation) {
        commits.lastNumber += 1
        var parts: [CommitState.Part] = []
        var sent: [SimulatedBroker.CommitRequest.Part] = []
        for entry in dirty {
            guard let map = entry.state.completionMap else { continue }
            let limit = commits.sendsNoMetadata ? 0 : setup.metadataLimit
            let metadata = map.encoded(limit: limit).text
            try model.commitSent(entry.assignment, map, metadata, limit: limit)
            let told = CompletionMap(metadata: metadata, frontier: map.frontier)
            parts.append(
                .init(
                    entry: entry,
                    version: entry.state.progressVersion,
                    map: told ?? CompletionMap(frontier: map.frontier, ranges: [])
                )
            )
            sent.append(
                .init(
                    partition: entry.partition,
                    assignment: entry.assignment.id,
                    committed: .init(offset: map.frontier, metadata: metadata)
                )
            )
        }
        world.tell("  commits \(sent.map { "\($0.partition)@\($0.committed.offset) \($0.committed.metadata)" })")
        commits.inFlight = (commits.lastNumber, parts, commits.final != nil)
        let isMember = world.group.isMember(slot, instance)
        world.broker.requests.append(
            .init(
                number: commits.lastNumber,
                slot: slot,
                instance: instance,
                generation: isMember ? world.group.memberships[slot]?.generation ?? -1 : -1,
                parts: sent
            )
        )
    }

    /// Sees one of the answers that have come; they may come late and in any order.
    func noteAnswer(_ choice: Int) throws(SimulationViolation) -> Bool {
        guard !commits.answers.isEmpty else { return false }
        let answer = commits.answers.remove(at: choice % commits.answers.count)
        guard let inFlight = commits.inFlight, inFlight.number == answer.number else { return true }
        commits.inFlight = nil
        for (partition, error) in answer.results where error == nil {
            #if SimulatedDefects
                if SimulatedDefect.answersMeetAnotherEpoch.isOn,
                    let part = inFlight.parts.first(where: {
                        $0.entry.partition == partition
                    })
                {
                    entries[partition]?.committed = part.map
                    entries[partition]?.committedVersion = part.version
                }
            #endif
            // Of an assignment that is over nothing is noted (R8).
            guard let part = inFlight.parts.first(where: { $0.entry.partition == partition }),
                entries[partition] === part.entry
            else { continue }
            part.entry.committed = part.map
            part.entry.committedVersion = part.version
        }
        guard let error = answer.results.lazy.compactMap(\.error).first else {
            commits.retryTime = nil
            return true
        }
        commits.hasProgress = true
        if error == .metadataTooLarge, !commits.sendsNoMetadata {
            commits.sendsNoMetadata = true
            commits.nextRegular = world.now
        } else if let final = commits.final {
            if !inFlight.isFinal || error == .retriable {
                commits.retryTime = world.now + SimulationSetup.finalCommitRetry
            } else {
                giveUpFinalCommit()
                try perform(machine.committed(final.token, at: world.now))
            }
        }
        return true
    }

    func giveUpFinalCommit() {
        guard commits.final != nil else { return }
        commits.final = nil
        commits.retryTime = nil
        if commits.inFlight != nil { commits.hasProgress = true }
        commits.inFlight = nil
    }

    func noteDrained(_ choice: Int) throws(SimulationViolation) -> Bool {
        let idle = draining.filter { (entries[$0]?.state.held ?? 0) == 0 }.sorted()
        guard !idle.isEmpty else { return false }
        let partition = idle[choice % idle.count]
        draining.remove(partition)
        try perform(machine.drained(setup.topicPartitions[partition], at: world.now))
        return true
    }

    func noteNotified() throws(SimulationViolation) -> Bool {
        guard let token = notification else { return false }
        notification = nil
        oldTokens.append(token)
        try perform(machine.notified(token, at: world.now))
        return true
    }
}
