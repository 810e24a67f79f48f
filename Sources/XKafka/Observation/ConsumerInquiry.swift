import XKafkaCore

/// What somebody wants to know of the consumer thread, which answers on its next turn. Whoever asks the same
/// meanwhile shares the answer, so there are never more questions than tasks that wait for one.
struct ConsumerInquiry {
    var snapshot: OneShot<ConsumerSnapshot>?
    var holds: [TopicPartition: OneShot<FrontierHold>] = [:]

    mutating func askForSnapshot() -> OneShot<ConsumerSnapshot> {
        let answer = snapshot ?? OneShot()
        snapshot = answer
        return answer
    }

    mutating func askForHold(_ topicPartition: TopicPartition) -> OneShot<FrontierHold> {
        let answer = holds[topicPartition] ?? OneShot()
        holds[topicPartition] = answer
        return answer
    }

    /// Answers that nothing is consumed any more.
    func answerIdle(isPaused: Bool) {
        snapshot?.resolve(ConsumerSnapshot(state: .idle, isPaused: isPaused))
        for (topicPartition, answer) in holds { answer.resolve(FrontierHold(topicPartition, .notConsuming)) }
    }
}

extension ConsumeRuntime {
    func snapshot() async throws -> ConsumerSnapshot {
        switch ask({ $0.askForSnapshot() }) {
        case .preparing: ConsumerSnapshot(state: .starting, isPaused: intake.isPaused)
        case .over: ConsumerSnapshot(state: .idle, isPaused: intake.isPaused)
        case .asked(let answer): try await answer.wait()
        }
    }

    func hold(of topicPartition: TopicPartition) async throws -> FrontierHold {
        switch ask({ $0.askForHold(topicPartition) }) {
        case .preparing: FrontierHold(topicPartition, .notAssigned)
        case .over: FrontierHold(topicPartition, .notConsuming)
        case .asked(let answer): try await answer.wait()
        }
    }
}

extension ConsumerSession {
    func snapshot() async throws -> ConsumerSnapshot {
        guard let runtime = current else { return ConsumerSnapshot(state: .idle, isPaused: intake.isPaused) }
        return try await runtime.snapshot()
    }

    func hold(of topicPartition: TopicPartition) async throws -> FrontierHold {
        guard let runtime = current else { return FrontierHold(topicPartition, .notConsuming) }
        return try await runtime.hold(of: topicPartition)
    }
}
