import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaTransport
import XKafkaWorkers

/// Looking after itself, once a second, and at once when the assignment settles or is unsettled: whoever asks then should
/// not hear of a rebalance that is over.
extension ConsumerLoop {
    static let vitalsInterval = Duration.seconds(1)
    /// How often it is asked whether topics exist that did not.
    static let topicQuestionInterval = Duration.seconds(30)

    func takeVitals(_ now: ContinuousClock.Instant) {
        guard now >= nextVitals || isSettled != (vitals.unsettledSince == nil) else { return }
        nextVitals = now + Self.vitalsInterval
        vitals.sampledAt = now
        vitals.unsettledSince = isSettled ? nil : vitals.unsettledSince ?? now
        noteFrontiers(now)
        noteIntake(now)
        vitals.commitSince = commits.inFlight?.startTime
        vitals.savesToStore = role.reading != nil
        vitals.commitFailure = commits.failingSince.flatMap { since in commits.lastError.map { (since, $0) } }
        lookForBrokers()
        askForTopics(now)
        runtime.vitals.withLock { $0 = vitals }
    }

    private func noteFrontiers(_ now: ContinuousClock.Instant) {
        vitals.waiting = []
        var still: [ObjectIdentifier: (entry: PartitionEntry, frontier: Int64)] = [:]
        for entry in turns {
            let standing = entry.assigned.standing
            entry.note(frontier: standing.frontier, isWaiting: standing.outstanding > 0, at: now)
            guard standing.outstanding > 0, let frontier = standing.frontier else { continue }
            let age = entry.frontierAge(at: now)
            vitals.waiting.append((TopicPartitionOffset(entry.topicPartition, offset: frontier), now - age))
            if age > .zero { still[ObjectIdentifier(entry.assigned)] = (entry, frontier) }
        }
        // Most often there are none, and nothing is looked through.
        guard !still.isEmpty else { return }
        _ = workers.inspect { _, item, standing in
            guard case .running = standing, let held = still[ObjectIdentifier(item.partition)] else { return }
            guard item.offset == held.frontier else { return }
            _ = held.entry.sight(offset: item.offset, attempt: item.context.attempt, at: now)
        }
    }

    /// Notes whether messages are left with librdkafka although handlers are free.
    private func noteIntake(_ now: ContinuousClock.Instant) {
        let isHeld =
            !runtime.intake.isPaused && turns.contains { lacksRoom($0) }
        guard isHeld else {
            vitals.intakeHeldSince = nil
            return
        }
        var running = 0
        _ = workers.inspect { _, _, standing in if case .running = standing { running += 1 } }
        let areHandlersFree = running < runtime.processing.maxConcurrentHandlers
        vitals.intakeHeldSince = areHandlersFree ? vitals.intakeHeldSince ?? now : nil
    }

    /// Whether there are messages in the partition that may not be taken yet.
    func lacksRoom(_ entry: PartitionEntry) -> Bool {
        guard entry.isFeeding, room(for: entry) <= 0 else { return false }
        return client.endOffset(of: entry.topicPartition).map { $0 > entry.lastOffset + 1 } ?? false
    }

    // MARK: Brokers

    /// A broker has answered.
    func noteSignOfLife() {
        vitals.brokersDownSince = nil
    }

    /// librdkafka says once that all brokers are down, and never that one is back. While nothing is read or committed,
    /// only a question tells.
    private func lookForBrokers() {
        guard vitals.brokersDownSince != nil, brokerQuestion == nil, !runtime.isStopRequested else { return }
        let group: String
        let topicPartition: TopicPartition
        switch role {
        case .group(let config):
            group = config.groupID
            topicPartition = TopicPartition(topic: config.topics.first ?? "", partition: 0)
        case .partitions(let reading):
            group = PartitionConsumerConfig.groupName
            topicPartition = reading.partitions.first ?? TopicPartition(topic: "", partition: 0)
        }
        commits.lastNumber += 1
        brokerQuestion = commits.lastNumber
        client.requestCommitted(
            [topicPartition],
            group: group,
            number: commits.lastNumber,
            timeout: Self.committedRequestLimit
        )
    }

    func noteBrokerAnswer(_ answer: ConsumerEvent.CommittedOffsets) {
        if brokerQuestion == answer.number { brokerQuestion = nil }
        switch answer.offsets {
        case .success: noteSignOfLife()
        // What brokers say has positive codes; the others are librdkafka's own.
        case .failure(let error): if error.code.rawValue > 0 { noteSignOfLife() }
        }
    }

    // MARK: Topics

    /// Notes that topics do not exist, if that is what the error says.
    func noteUnknownTopics(_ error: KafkaError) {
        guard case .group(let config) = role else { return }
        guard error.code == .unknownTopicOrPartition || error.code == .unknownTopic else { return }
        vitals.unknownTopics.formUnion(config.topics.filter { error.text.contains($0) })
        nextTopicQuestion = .now + Self.topicQuestionInterval
    }

    /// Another member may have got the partitions of a topic that exists by now, so it is asked for.
    private func askForTopics(_ now: ContinuousClock.Instant) {
        vitals.unknownTopics.subtract(runtime.takeFoundTopics())
        vitals.unknownTopics.subtract(partitions.keys.map(\.topic))
        guard case .group(let config) = role, !vitals.unknownTopics.isEmpty, now >= nextTopicQuestion else { return }
        // Longer than a question takes.
        nextTopicQuestion = now + Self.topicQuestionInterval
        Task { [runtime, topics = vitals.unknownTopics.sorted()] in
            runtime.post(foundTopics: await config.existing(topics))
        }
    }
}
