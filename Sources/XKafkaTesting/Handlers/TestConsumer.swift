import Logging
import Synchronization
public import XKafka
public import XKafkaConsume
import XKafkaCore

/// Handles messages as a consumer with the same configuration does, without a broker, and without waiting for the
/// pauses between attempts.
///
/// ```swift
/// let consumer = TestConsumer(config) { message in try await billing.handle(message) }
/// let outcome = await consumer.handle(ConsumeContext(topic: "orders", key: "order-1", value: "paid"))
/// #expect(outcome.isCompleted && outcome.attempts == 1)
/// ```
///
/// The key extractor, handlers, retries, permanent errors, the exhausted policy, the failure hook and log lines about
/// failures are those of the configuration. Dead letters go to its publisher; for those of a topic
/// ``Outcome/deadLetter`` is all there is. `attemptTimeout` is real time. Messages are handled one after the other:
/// what depends on keys being handled at the same time is tested with an ``EmbeddedBroker``.
public struct TestConsumer: Sendable {
    /// What became of a message.
    public struct Outcome: Sendable {
        /// How its handling ended.
        public enum End: Sendable {
            /// Its handlers returned: its offset is committed.
            case completed
            /// It failed too often, or for good, and became this dead letter: its offset is committed.
            case deadLettered(DeadLetter)
            /// It failed too often, or for good, and the consumer stops with this error: its offset is not committed.
            case stopped(ConsumerError)
            /// It is still failing, with this error, after as many attempts as the test allows; or the test was
            /// cancelled.
            case unfinished(any Error)
        }

        /// How its handling ended.
        public let end: End
        /// The errors of the attempts that failed, in order.
        public let failures: [any Error]
        /// The pauses that a consumer makes before further attempts, in order.
        public let pauses: [Duration]
        /// How many attempts were made.
        public let attempts: Int

        /// Whether its handlers returned in the end.
        public var isCompleted: Bool { if case .completed = end { true } else { false } }

        /// The dead letter that it became; `nil` when it did not.
        public var deadLetter: DeadLetter? { if case .deadLettered(let letter) = end { letter } else { nil } }
    }

    private let chain: ConsumeFunction
    private let processing: ProcessingConfig
    private let rules: RetryRules
    private let attemptLimit: Int

    /// Handles messages as a ``/XKafka/GroupConsumer`` with this configuration, whose brokers are not asked.
    ///
    /// - Parameters:
    ///   - config: the configuration, handlers of topics included.
    ///   - attemptLimit: after how many attempts, or tries at publishing a dead letter, a message that would be
    ///     tried on is ``Outcome/End/unfinished(_:)``. Default 100.
    ///   - handler: what is given to `consume`.
    public init(_ config: GroupConsumerConfig, attemptLimit: Int = 100, _ handler: @escaping ConsumeFunction) {
        self.init(
            config.processing,
            config.chain(handler),
            group: config.groupID,
            logger: config.logger,
            attemptLimit: attemptLimit
        )
    }

    /// Handles messages with these handlers, and writes no log.
    ///
    /// - Parameters:
    ///   - handlers: the handlers before `handler`, outermost first. Default: none.
    ///   - processing: retries, dead letters and the rest. Default: retries for ever.
    ///   - attemptLimit: after how many attempts, or tries at publishing a dead letter, a message that would be
    ///     tried on is ``Outcome/End/unfinished(_:)``. Default 100.
    ///   - handler: what is given to `consume`.
    public init(
        handlers: [any ConsumeHandler] = [],
        processing: ProcessingConfig = ProcessingConfig(),
        attemptLimit: Int = 100,
        _ handler: @escaping ConsumeFunction
    ) {
        self.init(
            processing,
            composeConsume(handlers, handler),
            group: nil,
            logger: Logger(label: "xkafka") { _ in SwiftLogNoOpLogHandler() },
            attemptLimit: attemptLimit
        )
    }

    private init(
        _ processing: ProcessingConfig,
        _ chain: @escaping ConsumeFunction,
        group: String?,
        logger: Logger,
        attemptLimit: Int
    ) {
        self.chain = chain
        self.processing = processing
        self.attemptLimit = attemptLimit
        rules = processing.retryRules(group: group, logger: logger)
    }

    /// Handles a message to its end.
    public func handle(_ message: ConsumeContext) async -> Outcome {
        let clock = VirtualClock(sleepLimit: max(0, attemptLimit - 1))
        let record = AttemptRecord()
        let letters = LetterRecord(publisher: processing.deadLetters?.publisher)
        let retry = ConsumeRetry(
            rules: rules,
            deadLetters: letters,
            attemptTimeout: processing.attemptTimeout,
            sleep: { try await clock.sleep(for: $0) }
        )
        func outcome(_ end: Outcome.End) -> Outcome {
            Outcome(end: end, failures: record.failures, pauses: clock.sleeps, attempts: record.count)
        }
        do {
            try await composeConsume([retry]) { message in
                try await record.attempt { try await self.chain(self.placed(message)) }
            }(message)
            return outcome(letters.published.map { .deadLettered($0) } ?? .completed)
        } catch let error as ConsumerError where error.code == .retriesExhausted {
            return outcome(.stopped(error))
        } catch let error as VirtualClockError {
            return outcome(.unfinished(record.failures.last ?? error))
        } catch {
            return outcome(.unfinished(error))
        }
    }

    /// Handles messages, one after the other.
    ///
    /// Given twice the same messages, it delivers as after a crash: `consumer.handle(orders + orders)`.
    ///
    /// - Returns: what became of each, in their order.
    public func handle(_ messages: some Sequence<ConsumeContext>) async -> [Outcome] {
        var outcomes: [Outcome] = []
        for message in messages { outcomes.append(await handle(message)) }
        return outcomes
    }

    /// The message with the logical key that the configuration gives it.
    private func placed(_ message: ConsumeContext) throws -> ConsumeContext {
        guard let extract = processing.keyExtractor else { return message }
        do {
            guard let key = try extract(message), !key.isEmpty else { return message.keyless }
            return message.placed(logicalKey: key, shard: message.shard)
        } catch {
            let position = TopicPartitionOffset(message.topicPartition, offset: message.offset)
            throw ConsumerError(.keyExtraction, position: position, cause: error)
        }
    }
}

extension ConsumeContext {
    /// The same message as one without a logical key has it.
    fileprivate var keyless: ConsumeContext { placed(logicalKey: MessageBytes("\(topicPartition)"), shard: shard) }
}

/// Remembers the attempts at one message.
private final class AttemptRecord: Sendable {
    private let state: Mutex<(count: Int, failures: [any Error])> = Mutex((0, []))

    var count: Int { state.withLock { $0.count } }
    var failures: [any Error] { state.withLock { $0.failures } }

    func attempt(_ body: () async throws -> Void) async throws {
        state.withLock { $0.count += 1 }
        do {
            try await body()
        } catch {
            state.withLock { $0.failures.append(error) }
            throw error
        }
    }
}

/// Remembers the dead letter of one message, once it is published.
private final class LetterRecord: DeadLetterPublisher {
    private let publisher: (any DeadLetterPublisher)?
    private let letter = Mutex<DeadLetter?>(nil)

    init(publisher: (any DeadLetterPublisher)?) {
        self.publisher = publisher
    }

    var published: DeadLetter? { letter.withLock { $0 } }

    func publish(_ letter: DeadLetter) async throws {
        try await publisher?.publish(letter)
        self.letter.withLock { $0 = letter }
    }
}
