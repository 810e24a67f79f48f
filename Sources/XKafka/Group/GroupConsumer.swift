public import XKafkaConsume
public import XKafkaCore

/// Reads topics as a member of a group, and calls one async function for each message.
///
/// Messages of one partition with the same key are handled one after the other, in order; messages
/// with different keys at the same time, up to
/// ``ProcessingConfig/maxConcurrentHandlers``. What was completed is committed, and only that: after
/// a crash nothing is lost, and what was not committed yet is read again (at least once).
///
/// ```swift
/// let consumer = try GroupConsumer(
///     GroupConsumerConfig(brokers: ["127.0.0.1:9092"], groupID: "billing", topics: ["orders"])
/// )
/// try await consumer.consume { message in
///     guard let value = message.value else { return }  // a tombstone
///     print(message.topic, message.offset, String(value))
/// }
/// ```
public final class GroupConsumer: Sendable {
    /// What this consumer was made with.
    public let config: GroupConsumerConfig

    private let session = ConsumerSession()
    private let metrics: ConsumerMetrics?

    /// A consumer that has not started. Connects to nothing.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong with `config`.
    public init(_ config: GroupConsumerConfig) throws(ConfigurationError) {
        try config.validate()
        self.config = config
        metrics = config.metrics.map { ConsumerMetrics($0, group: config.groupID) }
    }

    /// Joins the group and handles messages until the calling task is cancelled, the `ServiceGroup` it belongs to
    /// shuts down, ``close()`` is called, or something ends it.
    ///
    /// Ending takes its time: no further handler starts, those that run may end until the drain
    /// deadline, what was completed is committed, and the group is left.
    ///
    /// Handlers see the task-local values of the calling task, but not its cancellation: they are
    /// cancelled at the drain deadline, or when their partition was lost. A handler that throws is
    /// called again, as ``ProcessingConfig/retry`` says, while other keys go on.
    ///
    /// - Parameter handler: what to do with a message. When it returns, the message is done.
    /// - Returns: what became of the messages, after a normal end.
    /// - Throws: ``/XKafkaConsume/ConsumerError`` when the consumer is closed or consuming already, when the policy is
    ///   ``/XKafkaConsume/ExhaustedPolicy/stop`` and a message failed too often, or when a topic does not exist and
    ///   ``GroupConsumerConfig/unknownTopics`` says to fail; `KafkaError` for errors
    ///   that do not pass by themselves, such as a wrong password.
    @discardableResult
    public func consume(
        _ handler: @escaping @Sendable (ConsumeContext) async throws -> Void
    ) async throws -> DrainReport {
        let plan = ConsumePlan(
            config.processing,
            logger: config.logger,
            group: config.groupID,
            deadLetters: config.deadLetterPublisher(),
            metrics: metrics,
            handler: config.chain(handler)
        )
        return try await session.consume(plan) { [config] in
            (config.properties(partitions: await config.countPartitions()), .group(config))
        }
    }

    /// Stops taking messages: those in hand are handled, and nothing new is started after them. The group
    /// is not left, and partitions stay assigned. Lasts until ``resume()``, over the end of `consume` too.
    public func pause() {
        session.intake.set(paused: true)
    }

    /// Takes messages again after ``pause()``.
    public func resume() {
        session.intake.set(paused: false)
    }

    /// Whether ``pause()`` is in force.
    public var isPaused: Bool { session.intake.isPaused }

    /// How this consumer is doing: healthy, degraded or stalled, with the reasons.
    ///
    /// For a readiness endpoint: reads what the consumer thread noted when it last looked, at most about a second ago,
    /// and waits for nothing. ``ProcessingConfig/health`` says from when on a trouble counts. A consumer whose
    /// `consume` is not running is stalled.
    public var health: ConsumerHealth { session.health }

    /// What is in hand just now: partitions, their frontiers and lags, the workers' queues.
    ///
    /// The consumer thread answers between two turns, without waiting for any handler. Cheap enough for once a second.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func snapshot() async throws -> ConsumerSnapshot {
        try await session.snapshot()
    }

    /// What keeps a partition from being committed further: which message, and what that waits for.
    ///
    /// Answered like ``snapshot()``, at the same price.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func why(_ topic: String, _ partition: Int32) async throws -> FrontierHold {
        try await session.hold(of: TopicPartition(topic: topic, partition: partition))
    }

    /// How many times messages were found that librdkafka had not announced; tests expect 0.
    package var sweepFinds: Int { session.sweepFinds }

    /// Ends ``consume(_:)`` and waits until it has; afterwards the consumer cannot be used again.
    ///
    /// Called from within a handler, it starts the end and returns at once, and that handler's
    /// message counts. May be called any number of times.
    public func close() async {
        await session.close()
    }
}

extension GroupConsumer: CustomStringConvertible {
    /// `group-consumer(group:topics)`
    public var description: String {
        "group-consumer(\(config.groupID):\(config.topics.joined(separator: ",")))"
    }
}
